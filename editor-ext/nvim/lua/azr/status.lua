-- What the daemon says about itself: a line for a status line, a message, and its log.

local client = require("azr.client")
local config = require("azr.config")

local M = {}

local function training_of(status)
  return type(status.training) == "table" and status.training or nil
end

--- A few words: model, version, step of the training, queue. Empty without a session.
function M.line()
  if not client.get() then
    return ""
  end
  local status = client.state.status
  if not status or type(status.model) ~= "table" then
    return "azr"
  end
  local words = { ("%s v%s"):format(status.model.name, status.model.version) }
  local training = training_of(status)
  if training then
    table.insert(words, ("step %s/%s"):format(training.step, training.steps))
  end
  if type(status.daemon) == "table" and status.daemon.sandbox == "preparing" then
    table.insert(words, "preparing the sandbox")
  end
  local queue = status.queue or {}
  local waiting = (queue.interactive or 0) + (queue.background or 0)
  if waiting > 0 then
    table.insert(words, ("%d waiting"):format(waiting))
  end
  return table.concat(words, " ")
end

--- `:AzrStatus`.
function M.show()
  client.request("azr/status", vim.empty_dict(), function(problem, status)
    if problem then
      vim.notify("azr: " .. problem, vim.log.levels.ERROR)
      return
    end
    client.state.status = status
    local model, daemon, queue = status.model or {}, status.daemon or {}, status.queue or {}
    local lines = {
      ("model    %s v%s on %s%s"):format(model.name, model.version, model.device, model.loaded and "" or ", not loaded yet"),
      ("queue    %s questions, %s for hints"):format(queue.interactive, queue.background),
      ("daemon   %s, %s client(s)"):format(daemon.version, daemon.clients),
    }
    local training = training_of(status)
    table.insert(lines, training and ("training %s, step %s of %s"):format(training.runId, training.step, training.steps) or "training none")
    vim.notify(table.concat(lines, "\n"), vim.log.levels.INFO)
  end)
end

--- `:AzrLog`: the log of the daemon in a window of its own.
function M.log()
  local output = vim.fn.systemlist({ config.values.cmd, "daemon", "logs" })
  if vim.v.shell_error ~= 0 then
    vim.notify("azr: azr daemon logs: " .. table.concat(output, "\n"), vim.log.levels.ERROR)
    return
  end
  vim.cmd("botright new")
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden = "nofile", "wipe"
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, output)
  vim.bo[buffer].modifiable = false
  vim.cmd("normal! G")
end

return M
