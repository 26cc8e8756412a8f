-- Asks for predictions of random texts, one JSON body a line of TEXTS. Environment: TEXTS (a file; empty: GET /), DELAY_MS (think
-- time of a connection).
local pause = tonumber(os.getenv("DELAY_MS") or "0")
local bodies = {}

function init(args)
  math.randomseed(20261123)
  if os.getenv("TEXTS") ~= "" then
    for line in io.lines(os.getenv("TEXTS")) do table.insert(bodies, line) end
  end
end

function request()
  if #bodies == 0 then return wrk.format("GET", "/") end
  local headers = { ["Content-Type"] = "application/json" }
  return wrk.format("POST", "/v1/sentiment", headers, bodies[math.random(#bodies)])
end

if pause > 0 then
  function delay() return pause end
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d, "timeouts": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status, e.timeout))
end
