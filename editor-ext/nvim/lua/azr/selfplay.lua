-- Self-play in the daemon: start, watch, stop. A run belongs to the daemon, not to the editor.

local client = require("azr.client")

local M = {}

local DEFAULT_STEPS = 30
local BARS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local MOST_POINTS = 60

local state = { run_id = nil, steps = nil, step = 0, rewards = {}, proposals = {}, ended = nil, buffer = nil }
M.state = state

local function role_mean(metrics, role)
  local sum, weight = 0, 0
  for name, group in pairs(type(metrics.groups) == "table" and metrics.groups or {}) do
    if name:sub(-#role) == role and type(group) == "table" then
      local mean, n = group.reward_mean, tonumber(group.n) or 1
      if type(mean) == "number" and n > 0 then
        sum, weight = sum + mean * n, weight + n
      end
    end
  end
  return weight > 0 and sum / weight or nil
end

--- The rewards as a line of bars, the range being 0 to 1.
function M.curve(rewards)
  local bars = {}
  for at = math.max(1, #rewards - MOST_POINTS + 1), #rewards do
    local level = math.floor(math.max(0, math.min(1, rewards[at])) * (#BARS - 1) + 0.5)
    table.insert(bars, BARS[level + 1])
  end
  return table.concat(bars)
end

local function lines_of_run()
  local lines = {
    state.run_id and ("%s: step %d%s%s"):format(state.run_id, state.step, state.steps and " of " .. state.steps or "", state.ended and " (" .. state.ended .. ")" or "") or "No run. :AzrSelfPlay start",
    "solver reward " .. M.curve(state.rewards) .. (state.rewards[#state.rewards] and (" %.2f"):format(state.rewards[#state.rewards]) or ""),
    "",
    "Last proposals:",
  }
  for _, proposal in ipairs(state.proposals) do
    local verdict = type(proposal.verdict) == "table" and proposal.verdict.kind or proposal.verdict
    table.insert(lines, ("%s  %s"):format(tostring(verdict), tostring(proposal.taskType or "")))
    for _, line in ipairs(vim.split(tostring(proposal.program or ""), "\n")) do
      table.insert(lines, "    " .. line)
    end
  end
  return lines
end

local function draw()
  if state.buffer and vim.api.nvim_buf_is_valid(state.buffer) then
    vim.bo[state.buffer].modifiable = true
    vim.api.nvim_buf_set_lines(state.buffer, 0, -1, false, lines_of_run())
    vim.bo[state.buffer].modifiable = false
  end
end

local function on_event(event)
  if type(event) ~= "table" or event.runId ~= state.run_id then
    return
  end
  state.step = math.max(state.step, tonumber(event.step) or 0)
  local metrics = type(event.metrics) == "table" and event.metrics or {}
  if event.kind == "step" then
    local reward = role_mean(metrics, "_solve")
    if reward then
      table.insert(state.rewards, reward)
    end
    for _, proposal in ipairs(type(metrics.proposals) == "table" and metrics.proposals or {}) do
      table.insert(state.proposals, 1, proposal)
      state.proposals[9] = nil
    end
  elseif event.kind == "error" then
    state.ended = "error: " .. tostring(metrics.message or event.metrics)
  elseif event.kind == "done" then
    state.ended = "done"
  end
  draw()
end

local function fail(problem)
  vim.notify("azr: " .. problem, vim.log.levels.ERROR)
end

local function follow(run_id, steps)
  state.run_id, state.steps, state.step, state.rewards, state.proposals, state.ended = run_id, steps, 0, {}, {}, nil
  -- A subscription belongs to the session that asked for it.
  state.session = client.state.id
  client.state.training = on_event
  client.request("azr/train/subscribe", { runId = run_id, fromStep = 0 }, function(problem)
    if problem then
      fail(problem)
    end
  end)
  draw()
end

--- Opens the window that follows the run.
function M.watch()
  if not state.buffer or not vim.api.nvim_buf_is_valid(state.buffer) then
    state.buffer = vim.api.nvim_create_buf(false, true)
    vim.bo[state.buffer].bufhidden = "hide"
  end
  if vim.fn.bufwinid(state.buffer) == -1 then
    vim.cmd("botright 12new")
    vim.api.nvim_win_set_buf(0, state.buffer)
  end
  draw()
  client.request("azr/status", {}, function(problem, status)
    if problem then
      fail(problem)
      return
    end
    client.state.status = status
    local training = status.training
    if type(training) == "table" and (training.runId ~= state.run_id or client.state.id ~= state.session) then
      follow(training.runId, training.steps)
    end
  end)
end

local function start(steps)
  client.request("azr/train/start", { config = { run = { steps = steps } } }, function(problem, result)
    if problem then
      fail(problem)
      return
    end
    follow(result.runId, steps)
    M.watch()
  end)
end

local function stop()
  local training = client.state.status and client.state.status.training
  local run_id = type(training) == "table" and training.runId or state.run_id
  if not run_id then
    fail("no run is going on")
    return
  end
  client.request("azr/train/stop", { runId = run_id, checkpoint = true }, function(problem, result)
    if problem then
      fail(problem)
      return
    end
    state.ended = "stopped"
    draw()
    vim.notify(("azr: stopped at step %s"):format(tostring(result.step)), vim.log.levels.INFO)
  end)
end

--- `:AzrSelfPlay start [steps] | stop | watch`.
function M.run(words)
  local what = words[1] or "watch"
  if what == "start" then
    local steps = tonumber(words[2] or DEFAULT_STEPS)
    if not steps or steps < 1 or steps ~= math.floor(steps) then
      fail("the number of steps is a whole number from 1 on")
      return
    end
    start(steps)
  elseif what == "stop" then
    stop()
  elseif what == "watch" then
    M.watch()
  else
    fail(":AzrSelfPlay takes start [steps], stop or watch")
  end
end

return M
