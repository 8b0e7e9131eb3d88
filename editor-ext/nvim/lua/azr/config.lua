-- The settings. Few on purpose: there are no prompts and no sampling knobs here.

local M = {}

local defaults = {
  -- The program. A name is looked up on PATH.
  cmd = "azr",
  -- The model that the daemon serves, to all editors: a model folder, a GGUF file, a run, "owner/name" or "azr-tiny".
  -- Empty: whichever it serves.
  model = "",
  -- What is run in the sandbox to check answers: "off", "literals" or "all".
  execution = "literals",
  -- Show what calls return beside them.
  hints = true,
  -- Time that the model may take for one question, in milliseconds.
  budget_ms = 5000,
  -- Keep functions of open files, on this machine, as tasks that self-play may start from.
  task_pool = false,
}

local kinds = { cmd = "string", model = "string", execution = "string", hints = "boolean", budget_ms = "number", task_pool = "boolean" }

M.values = vim.deepcopy(defaults)

--- Takes settings over the defaults. An unknown name is an error that says which names there are.
function M.set(settings)
  for name, value in pairs(settings) do
    if kinds[name] == nil then
      local known = vim.tbl_keys(kinds)
      table.sort(known)
      error(("azr: unknown setting '%s'; known are %s"):format(tostring(name), table.concat(known, ", ")), 0)
    elseif type(value) ~= kinds[name] then
      error(("azr: the setting '%s' is a %s, not a %s"):format(name, kinds[name], type(value)), 0)
    end
  end
  local execution = settings.execution or defaults.execution
  if not vim.tbl_contains({ "off", "literals", "all" }, execution) then
    error(("azr: execution is 'off', 'literals' or 'all', not '%s'"):format(execution), 0)
  end
  M.values = vim.tbl_extend("force", defaults, settings)
end

--- The settings as the server reads them.
function M.server_options()
  return {
    model = M.values.model:find("^~/") and vim.fn.expand(M.values.model) or M.values.model,
    execution = M.values.execution,
    hints = { enabled = M.values.hints },
    budgetMs = M.values.budget_ms,
    taskPool = { enabled = M.values.task_pool },
  }
end

return M
