-- wrk: each request carries the next line of a file, "TOKEN SUBJECT"; at the end one line of JSON.
local requests, current = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local token, subject = line:match("^(%S+) (%S+)$")
    requests[#requests + 1] = wrk.format("GET", nil, {
      ["Host"] = wrk.headers["Host"], ["X-Auth-Token"] = token, ["X-Subject-Token"] = subject,
    })
  end
end

function request()
  current = current % #requests + 1
  return requests[current]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"per_second": %.1f, "requests": %d, "failed": %d, "p50_ms": %.2f, "p99_ms": %.2f}',
    summary.requests / summary.duration * 1e6, summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
