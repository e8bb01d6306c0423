"""What runs inside Redis, each as one step: sending with its acknowledgements, and saying that one lives."""

from __future__ import annotations

__all__ = ["ANNOUNCE", "SEND"]

SEND = """
local at, blob = 1, ARGV[2]
while at <= #blob do
  local to, count
  to, count, at = struct.unpack('>I4c0B', blob, at)
  local fields = {}
  for i = 1, count do
    fields[i], at = struct.unpack('>I4c0', blob, at)
  end
  redis.call('XADD', ARGV[1] .. to, '*', unpack(fields))
end
local settled = {}
for entry in string.gmatch(ARGV[3], '%S+') do
  settled[#settled + 1] = entry
end
if #settled > 0 then
  redis.call('XACK', KEYS[1], 'g', unpack(settled))
  redis.call('XDEL', KEYS[1], unpack(settled))
end
"""
"""KEYS: our log. ARGV: what all logs begin with; parcels, packed; entries of ours that are settled, blanks between."""

ANNOUNCE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local there = redis.call('HGET', KEYS[1], ARGV[1])
if there and ARGV[5] ~= there then
  local beat, token = string.match(there, '^(%d+) (%S+) ')
  if token and token ~= ARGV[2] and now - tonumber(beat) < tonumber(ARGV[4]) then
    return {'taken', there}
  end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', now) .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
return {string.format('%d', now), redis.call('HGETALL', KEYS[1])}
"""
"""KEYS: the processes. ARGV: our name, token and description, how long a silent one lives, and whom to overlook."""
