-- The connection to the server: start, attach, restart after a crash, requests with parts that come before the result.

local config = require("azr.config")

local M = {}

local MOST_RESTARTS = 4
local WITHIN_S = 180

local state = {
  id = nil, -- of the client
  wanted = true, -- false after :AzrStop
  told = false, -- the message about a missing program was shown
  ends = {}, -- times of unexpected ends
  parts = {}, -- by token: what to do with a part of a result
  waiting = {}, -- by number: how to end a request whose session has gone
  token = 0,
  status = nil, -- last azr/status or azr/statusChanged
  training = nil, -- listener for azr/train/event
}
M.state = state

--- One message, with what to do about it.
local function tell(message)
  vim.schedule(function()
    vim.notify("azr: " .. message, vim.log.levels.ERROR)
  end)
end

-- Functions of a client became methods in Neovim 0.11.
local function call(client, name, ...)
  if vim.fn.has("nvim-0.11") == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

--- The client object, if it runs.
function M.get()
  return state.id and vim.lsp.get_client_by_id(state.id) or nil
end

--- What is wrong with the program, or nil.
function M.problem_of_program()
  local cmd = config.values.cmd
  local advice = "Build it with `cargo install --path harness` in a checkout of azr, or set `cmd` in require('azr').setup."
  if vim.fn.executable(cmd) ~= 1 then
    return ("the program '%s' is not there. %s"):format(cmd, advice)
  end
  local version = vim.fn.system({ cmd, "--version" })
  if vim.v.shell_error ~= 0 or not version:match("^azr%s+%d") then
    return ("'%s' does not work as azr. %s"):format(cmd, advice)
  end
  vim.fn.system({ cmd, "lsp", "--help" })
  if vim.v.shell_error ~= 0 then
    return ("%s is too old: it has no `azr lsp`. %s"):format(vim.trim(version), advice)
  end
  return nil
end

local function root_of(buffer)
  local folder = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ":p:h")
  local at = folder
  while true do
    for _, mark in ipairs({ ".git", "pyproject.toml", "setup.py" }) do
      if vim.loop.fs_stat(at .. "/" .. mark) then
        return at
      end
    end
    local parent = vim.fn.fnamemodify(at, ":h")
    if parent == at then
      return folder
    end
    at = parent
  end
end

--- Ends what waits for an answer of a session that has gone.
local function give_up()
  local waiting = state.waiting
  state.waiting = {}
  for _, finish in pairs(waiting) do
    finish("the session has ended; ask again")
  end
end

local function on_exit(code, signal, id)
  -- An end that was asked for: the session is another by now, or none.
  if id ~= state.id then
    return
  end
  give_up()
  state.id = nil
  state.status = nil
  if not state.wanted or vim.v.exiting ~= vim.NIL then
    return
  end
  local now = vim.loop.now() / 1000
  state.ends = vim.tbl_filter(function(time)
    return now - time < WITHIN_S
  end, state.ends)
  table.insert(state.ends, now)
  if #state.ends > MOST_RESTARTS then
    tell("azr lsp keeps ending (code " .. code .. ", signal " .. signal .. "). See :AzrLog, then :AzrRestart.")
    return
  end
  vim.defer_fn(M.attach_all, 300)
end

local function client_config(buffer)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlayHint = capabilities.textDocument.inlayHint or { dynamicRegistration = false }
  capabilities.workspace.inlayHint = { refreshSupport = true }
  return {
    name = "azr",
    cmd = { config.values.cmd, "lsp" },
    root_dir = root_of(buffer),
    capabilities = capabilities,
    init_options = config.server_options(),
    settings = { azr = config.server_options() },
    flags = { debounce_text_changes = 100 },
    on_exit = vim.schedule_wrap(on_exit),
    handlers = {
      ["$/progress"] = function(err, result, context, options)
        local part = result and state.parts[result.token]
        if part then
          part(result.value)
        else
          local standard = vim.lsp.handlers["$/progress"]
          if standard and type(result.value) == "table" and result.value.kind then
            standard(err, result, context, options)
          end
        end
      end,
      ["azr/statusChanged"] = function(_, result)
        state.status = result
        vim.cmd("redrawstatus")
      end,
      ["azr/train/event"] = function(_, result)
        if state.training then
          state.training(result)
        end
      end,
      ["workspace/inlayHint/refresh"] = function(...)
        -- A Neovim that draws hints itself asks for them again itself.
        local standard = vim.lsp.handlers["workspace/inlayHint/refresh"]
        if standard then
          return standard(...)
        end
        require("azr.hints").refresh_all()
        return vim.NIL
      end,
    },
  }
end

-- What lenses and code actions ask: the answer belongs into the window.
for _, kind in ipairs({ "deduce", "abduce", "induce" }) do
  vim.lsp.commands["azr." .. kind] = function(command)
    require("azr.reasoning").ask_with(kind, type(command.arguments) == "table" and command.arguments[1] or {})
  end
end

-- Neovim 0.7 has the first way only, and versions after 0.12 will have the second only.
local function start(buffer)
  if vim.lsp.start == nil then
    return vim.lsp.start_client(client_config(buffer))
  end
  return vim.lsp.start(client_config(buffer), {
    bufnr = buffer,
    reuse_client = function()
      return false
    end,
  })
end

--- Attaches a Python buffer, and starts the server if none runs.
function M.attach(buffer)
  if not state.wanted or vim.bo[buffer].buftype ~= "" then
    return
  end
  if not M.get() then
    local problem = M.problem_of_program()
    if problem then
      if not state.told then
        state.told = true
        tell(problem)
      end
      return
    end
    state.id = start(buffer)
  end
  if state.id then
    vim.lsp.buf_attach_client(buffer, state.id)
    require("azr.hints").watch(buffer)
  end
end

--- Attaches every Python buffer that is open.
function M.attach_all()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == "python" then
      M.attach(buffer)
    end
  end
end

--- Ends the session; the daemon goes on for others.
function M.stop()
  state.wanted = false
  local client = M.get()
  state.id = nil
  state.status = nil
  give_up()
  if client then
    call(client, "stop")
  end
end

function M.restart()
  local client = M.get()
  M.stop()
  -- What does not end by itself is ended.
  if client then
    vim.wait(2000, function()
      return call(client, "is_stopped")
    end, 20)
    if not call(client, "is_stopped") then
      call(client, "stop", true)
    end
  end
  state.wanted, state.told, state.ends = true, false, {}
  M.attach_all()
end

--- Sends a request. `done(error_text, result)` is called once; `part(value)` for what comes before.
--- Gives a function that cancels, or nil where there is no session.
function M.request(method, params, done, part, again)
  local client = M.get()
  if not client then
    done("there is no session: open a Python file, or see :checkhealth azr")
    return nil
  end
  if part then
    state.token = state.token + 1
    params = vim.tbl_extend("force", params, { partialResultToken = "azr-" .. state.token })
    state.parts[params.partialResultToken] = part
  end
  local finished, cancel_again = false, nil
  state.last = (state.last or 0) + 1
  local number = state.last
  local function finish(text, result)
    if not finished then
      finished = true
      state.waiting[number] = nil
      if params.partialResultToken then
        state.parts[params.partialResultToken] = nil
      end
      done(text, result)
    end
  end
  local sent, id = call(client, "request", method, params, function(err, result)
    if err and type(err.data) == "table" and err.data.kind == "DaemonEnded" and not again and not finished then
      -- Another daemon has taken the session over: the same question once more.
      state.waiting[number] = nil
      cancel_again = M.request(method, params, finish, part, true)
    elseif err then
      local hint = type(err.data) == "table" and err.data.hint or nil
      local between = err.message:match("[.!?:;]$") and " " or "; "
      finish(err.message .. (hint and between .. hint or ""))
    else
      finish(nil, result)
    end
  end, 0)
  if not sent then
    finish("the session has ended; it comes back by itself, then ask again")
    return nil
  end
  state.waiting[number] = finish
  return function()
    if cancel_again then
      cancel_again()
    else
      call(client, "cancel_request", id)
    end
    finish("cancelled")
  end
end

return M
