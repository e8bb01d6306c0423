"""What runs inside Redis, each as one step: sending with its acknowledgements, and saying that one lives."""

from __future__ import annotations

__all__ = ["ANNOUNCE", "SEND"]

SEND = """
local call, logs, sender, settled = redis.call, ARGV[1], ARGV[2], tonumber(ARGV[3])
local at, all = 4 + settled, #ARGV
while at < all do
  local last = at + 1 + ARGV[at + 1]
  call('XADD', logs .. ARGV[at], '*', 'o', sender, unpack(ARGV, at + 2, last))
  at = last + 1
end
if settled > 0 then
  call('XDEL', KEYS[1], unpack(ARGV, 4, 3 + settled))
end
"""
"""KEYS: our log. ARGV: what all logs begin with; who sends; how many entries of ours are settled, and these; then for
each parcel and addressee his name, how many strings the rest of the entry has, and these."""

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
