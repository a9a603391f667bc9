"""The Lua scripts of the shared guards. Redis runs one at a time, so what a script reads stays true in it.
They go by Redis's own clock, because the clocks of those who ask may differ by minutes.

KEYS of a gate: the starts of the last minute, the places of calls under way (both sorted sets, the second
by when a place lapses), and the pace (a hash: full, rate, since, next). `orchestration.guards.memory` is the
same in Python; one set of contract tests holds for both.
"""

# In the place of the time that a script is to go by.
REDIS_CLOCK = ""
_NOW = """
local now = tonumber(ARGV[1])
if not now then
  local clock = redis.call('TIME')
  now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
end
"""
# What is told as text keeps its microseconds.
_TELL_NOW = "string.format('%.6f', now)"

_TIDY = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local pace = redis.call('HMGET', KEYS[3], 'full', 'rate', 'since', 'next')
local full, rate, since = tonumber(pace[1]), tonumber(pace[2]), tonumber(pace[3])
local next_at = tonumber(pace[4])
if full then
  rate = rate + full * math.max(0, now - since) / recovery
  if rate >= 2 * full then
    redis.call('DEL', KEYS[3])
    full = nil
  end
end
"""

_ENTER = _NOW
_ENTER += """
local window, recovery = tonumber(ARGV[2]), tonumber(ARGV[3])
local function enter(KEYS, call, seconds, per_minute, concurrent, is_paced)
"""
_ENTER += _TIDY
_ENTER += """
  local recent = redis.call('ZCARD', KEYS[1])
  if per_minute >= 0 and recent >= per_minute then
    local place = recent - per_minute
    local leaving = redis.call('ZRANGE', KEYS[1], place, place, 'WITHSCORES')[2]
    return 'rate', tostring(leaving + window - now)
  end
  if concurrent >= 0 and redis.call('ZCARD', KEYS[2]) >= concurrent then
    return 'concurrency', '0'
  end
  if full and is_paced == '1' then
    if now < next_at then
      return 'pace', tostring(next_at - now)
    end
    redis.call('HSET', KEYS[3], 'next', tostring(now + 60 / rate))
  end
  redis.call('ZADD', KEYS[1], now, call)
  redis.call('EXPIRE', KEYS[1], math.ceil(2 * window))
  redis.call('ZADD', KEYS[2], now + seconds, call)
  redis.call('EXPIRE', KEYS[2], math.max(math.ceil(2 * seconds), redis.call('TTL', KEYS[2])))
  return '', '0'
end
local function enter_at(key, argument)
  return enter({KEYS[key], KEYS[key + 1], KEYS[key + 2]}, ARGV[argument], tonumber(ARGV[argument + 1]),
    tonumber(ARGV[argument + 2]), tonumber(ARGV[argument + 3]), ARGV[argument + 4])
end
"""

# KEYS of the gate. ARGV: now, window, recovery; call, seconds, per_minute, concurrent, is_paced
# -> cause ('' admits), wait.
ENTER = f"{_ENTER}return {{enter_at(1, 4)}}"

# KEYS: the caller's gate if there is one, then of each choice the circuit and the gate. ARGV: now, window,
# recovery, number of callers; of each gate call, seconds, per_minute, concurrent, is_paced, is_queued.
# -> the time; the caller's cause and wait if there is one; then of each choice that was looked at the
# circuit, cause (nothing: its gate was not asked), wait. What a circuit's states are, Circuit.state says.
ENTER_FIRST = (
    _ENTER
    + f"\nlocal said, key, argument = {{{_TELL_NOW}}}, 1, 5"
    + """
if ARGV[4] == '1' then
  local cause, wait = enter_at(1, 5)
  said[2], said[3] = cause, wait
  if cause ~= '' then
    return said
  end
  key, argument = 4, 11
end
local function note(circuit, cause, wait)
  said[#said + 1], said[#said + 2], said[#said + 3] = circuit, cause, wait
end
while key < #KEYS do
  local stored, is_queued = redis.call('GET', KEYS[key]), ARGV[argument + 5] == '1'
  local circuit = stored and cjson.decode(stored)
  if circuit and circuit.reason ~= '' then
    note(stored, false, false)
    local is_probed = circuit.probe ~= '' and now < circuit.probe_until
    if now >= circuit.open_until and not is_probed and not is_queued then
      return said
    end
  elseif is_queued then
    note(stored, false, false)
  else
    local cause, wait = enter_at(key + 1, argument)
    note(stored, cause, wait)
    if cause == '' then
      return said
    end
  end
  key, argument = key + 4, argument + 6
end
return said
"""
)

# ARGV: call, was_sent. Who took the latest turn of the pace gives it back when nothing was sent, unless the
# vendor has complained since.
LEAVE = """
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[2] == '1' then
  return
end
local started, latest = redis.call('ZSCORE', KEYS[1], ARGV[1]), redis.call('ZRANGE', KEYS[1], -1, -1)[1]
redis.call('ZREM', KEYS[1], ARGV[1])
local since = redis.call('HGET', KEYS[3], 'since')
if latest == ARGV[1] and since and tonumber(since) <= tonumber(started) then
  redis.call('HSET', KEYS[3], 'next', started)
end
"""

# KEYS: a circuit, then places of calls under way. ARGV: the call that leaves each place -> the circuit.
LEAVE_ALL = """
for number = 2, #KEYS do
  redis.call('ZREM', KEYS[number], ARGV[number - 1])
end
return redis.call('GET', KEYS[1])
"""

# ARGV: now, window, recovery, lowest pace, one congestion, retry after ('' when the vendor did not say).
SLOW_DOWN = (
    _NOW
    + """
local window, recovery, lowest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
"""
    + _TIDY
    + """
if full and now - since < tonumber(ARGV[5]) then
  return 0
end
if not full then
  full = math.max(redis.call('ZCARD', KEYS[1]), 2 * lowest)
  rate = full
end
rate = math.max(lowest, rate / 2)
redis.call('HSET', KEYS[3], 'full', tostring(full), 'rate', tostring(rate), 'since', tostring(now),
  'next', tostring(now + (tonumber(ARGV[6]) or 60 / rate)))
redis.call('EXPIRE', KEYS[3], math.ceil(4 * recovery))
return 1
"""
)

# ARGV: now, window, recovery -> recent, under way, pace ('' when it is not slowed down).
LOOK = (
    _NOW
    + """
local window, recovery = tonumber(ARGV[2]), tonumber(ARGV[3])
"""
    + _TIDY
    + """
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2]), full and tostring(rate) or ''}
"""
)

# ARGV: now -> a circuit, the time.
READ = f"{_NOW}return {{redis.call('GET', KEYS[1]), {_TELL_NOW}}}"

# Compare and set. ARGV: what was read ('' for nothing), what to write ('' deletes), lifetime in ms.
REPLACE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
"""

# ARGV: holder, milliseconds.
CLAIM = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

# ARGV: holder.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""
