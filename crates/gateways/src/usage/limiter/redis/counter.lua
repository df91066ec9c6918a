-- A counter is a hash: `at` is the latest time that it was counted at, in microseconds since 1970;
-- every other field is a bucket, by its number since 1970, with what was used in it. All numbers are
-- whole, and written without an exponent.
local COUNTED = tonumber(ARGV[2])
local MOST = 4503599627370496
-- The server's clock is not the callers': what counts for a second is kept for a minute.
local SHORTEST = 60000

local function whole(number)
  return string.format('%.0f', number)
end

-- A counter as it is at `now`, or at its latest time, if that is later.
local function load(key, now, length)
  local counter = { key = key, length = length, at = now, used = 0, amounts = {}, over = {} }
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    if fields[i] == 'at' then
      counter.at = math.max(now, tonumber(fields[i + 1]))
    end
  end
  counter.newest = math.floor(counter.at / length)
  for i = 1, #fields, 2 do
    local bucket = tonumber(fields[i])
    if bucket then
      if bucket > counter.newest - COUNTED then
        counter.amounts[bucket] = tonumber(fields[i + 1])
        counter.used = counter.used + counter.amounts[bucket]
      else
        table.insert(counter.over, fields[i])
      end
    end
  end
  return counter
end

-- Adds to a bucket that still counts; never below zero. Writes it down, forgets what is over, and
-- lets the whole counter go once all of it is.
local function add(counter, bucket, amount)
  local before = counter.amounts[bucket] or 0
  local after = math.min(math.max(before + amount, 0), MOST)
  counter.used = counter.used - before + after
  counter.amounts[bucket] = after
  redis.call('HSET', counter.key, 'at', whole(counter.at), whole(bucket), whole(after))
  if #counter.over > 0 then
    redis.call('HDEL', counter.key, unpack(counter.over))
    counter.over = {}
  end
  local lasts = math.ceil(counter.length * (COUNTED + 1) / 1000)
  redis.call('PEXPIRE', counter.key, whole(math.max(lasts, SHORTEST)))
end

-- From the latest time until a bucket begins, in microseconds.
local function wait(counter, bucket)
  return math.max(bucket * counter.length - counter.at, 0)
end

-- How long until all that is used is forgotten.
local function reset(counter)
  for bucket = counter.newest, counter.newest - COUNTED + 1, -1 do
    if (counter.amounts[bucket] or 0) > 0 then
      return wait(counter, bucket + COUNTED)
    end
  end
  return 0
end

-- How long until no more than `most` of what is used still counts.
local function room(counter, most)
  local used = counter.used
  for bucket = counter.newest - COUNTED + 1, counter.newest do
    if used <= most then
      return wait(counter, bucket - 1 + COUNTED)
    end
    used = used - (counter.amounts[bucket] or 0)
  end
  return wait(counter, counter.newest + COUNTED)
end
