-- Asks for random users' lists. Environment: USERS, QUERY (with its question mark), DELAY_MS (think time of a connection),
-- CHECK=yes (each answer must be of one publication: see generated_publication.py).
local users = tonumber(os.getenv("USERS"))
local query = os.getenv("QUERY") or ""
local pause = tonumber(os.getenv("DELAY_MS") or "0")

local threads = {}
function setup(thread)
  thread:set("seed", 20261123 + #threads)
  table.insert(threads, thread)
end

function init(args)
  math.randomseed(seed)
  wrong = 0
  answered = 0
end

function request()
  return wrk.format("GET", "/v1/users/" .. math.random(users) .. "/recommendations" .. query)
end

if pause > 0 then
  function delay() return pause end
end

if os.getenv("CHECK") == "yes" then
  function response(status, headers, body)
    answered = answered + 1
    -- The publication of day 1 has scores from 0 to 1, that of day 2 from 1 to 2.
    local day = body:match('"publication":"2026110(%d)T')
    local scores = 0
    for score in body:gmatch('"score":(%d)') do
      scores = scores + 1
      if tonumber(score) + 1 ~= tonumber(day) then wrong = wrong + 1 end
    end
    if status ~= 200 or scores ~= 10 then wrong = wrong + 1 end
  end
end

function done(summary, latency, requests)
  local e = summary.errors
  local wrong_in_all, answered_in_all = 0, 0
  for _, thread in ipairs(threads) do
    wrong_in_all = wrong_in_all + (thread:get("wrong") or 0)
    answered_in_all = answered_in_all + (thread:get("answered") or 0)
  end
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d, "timeouts": %d, "checked": %d, "wrong": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status, e.timeout, answered_in_all, wrong_in_all))
end
