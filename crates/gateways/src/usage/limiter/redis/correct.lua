-- Replaces what was claimed by what was used, unless it is forgotten already.
--
-- KEYS: the counter. ARGV: now, how many buckets count, the length of a bucket, the bucket of the
-- claim, and how much more was used than claimed, which may be less than nothing.
local counter = load(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[3]))
local bucket, more = tonumber(ARGV[4]), tonumber(ARGV[5])
if more ~= 0 and bucket <= counter.newest and bucket > counter.newest - COUNTED then
  add(counter, bucket, more)
end
return {}
