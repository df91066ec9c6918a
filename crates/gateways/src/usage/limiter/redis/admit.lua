-- Counts all claims, or none.
--
-- KEYS: the counter of each claim. ARGV: now, how many buckets count, and of each claim the length of
-- a bucket, the amount and the limit. Times are in microseconds.
-- Answers 0, and of each claim what is used and when that is forgotten; or the number of the claim
-- that has to be waited for the longest, the same of it, and for how long (-1: it never fits).
local now = tonumber(ARGV[1])
local counters, wanted, claims = {}, {}, {}
for i, key in ipairs(KEYS) do
  local length = tonumber(ARGV[3 * i])
  claims[i] = { key = key, amount = tonumber(ARGV[3 * i + 1]), limit = tonumber(ARGV[3 * i + 2]) }
  counters[key] = counters[key] or load(key, now, length)
end

local worst
for i, claim in ipairs(claims) do
  local counter = counters[claim.key]
  wanted[claim.key] = (wanted[claim.key] or 0) + claim.amount
  local all = wanted[claim.key]
  if claim.amount > 0 and counter.used + all > claim.limit then
    local patience = all <= claim.limit and room(counter, claim.limit - all) or -1
    local outlasts = not worst
      or (patience == -1 and worst.patience ~= -1)
      or (worst.patience ~= -1 and patience > worst.patience)
    if outlasts then
      worst = { place = i, counter = counter, patience = patience }
    end
  end
end
if worst then
  return { worst.place, worst.counter.used, reset(worst.counter), worst.patience }
end

for _, claim in ipairs(claims) do
  if claim.amount > 0 then
    local counter = counters[claim.key]
    add(counter, counter.newest, claim.amount)
  end
end
local answer = { 0 }
for _, claim in ipairs(claims) do
  table.insert(answer, counters[claim.key].used)
  table.insert(answer, reset(counters[claim.key]))
end
return answer
