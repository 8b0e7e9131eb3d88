-- `:checkhealth azr`.

local M = {}

function M.check()
  local health = vim.health or require("health")
  -- The names lost a prefix in 0.10.
  local start = health.start or health.report_start
  local ok = health.ok or health.report_ok
  local warn = health.warn or health.report_warn
  local fail = health.error or health.report_error
  local info = health.info or health.report_info
  local config = require("azr.config")
  local client = require("azr.client")

  start("azr")
  if vim.fn.has("nvim-0.7") == 1 then
    ok("this Neovim is new enough")
  else
    fail("Neovim 0.7 or later is needed")
  end
  local problem = client.problem_of_program()
  if problem then
    fail(problem)
    return
  end
  ok(vim.trim(vim.fn.system({ config.values.cmd, "--version" })) .. " at " .. vim.fn.exepath(config.values.cmd))
  if vim.lsp.inlay_hint then
    ok("hints are drawn inline")
  else
    info("hints are drawn at the end of the line; Neovim 0.10 and later draws them inline")
  end
  local running = client.get()
  if not running then
    warn("no session: call require('azr').setup {} and open a Python file")
    return
  end
  local experimental = running.server_capabilities.experimental or {}
  local protocol = type(experimental.azr) == "table" and experimental.azr.protocol or nil
  if protocol == nil or protocol == 1 then
    ok("the session runs")
  else
    fail(("the server speaks protocol %s, this plugin speaks 1: install the two of one version"):format(protocol))
  end
  local status
  client.request("azr/status", vim.empty_dict(), function(_, result)
    status = result or false
  end)
  vim.wait(3000, function()
    return status ~= nil
  end, 20)
  if status then
    ok(("model %s v%s on %s"):format(status.model.name, status.model.version, status.model.device))
  else
    fail("the daemon does not answer: see :AzrLog, then :AzrRestart")
  end
end

return M
