-- Drives the plugin in a real Neovim against the real program: nvim --headless --clean -n -c 'luafile test/run.lua'.
-- Environment: AZR_PROGRAM (the program), AZR_SCRATCH (an empty folder), AZR_PLUGIN (the folder of the plugin).

local program, scratch, plugin = vim.env.AZR_PROGRAM, vim.env.AZR_SCRATCH, vim.env.AZR_PLUGIN
local failures, checks = {}, 0
local messages = {}

local function out(line)
  io.stdout:write(line .. "\n")
end

local function check(what, right, more)
  checks = checks + 1
  if right then
    out("ok    " .. what)
  else
    table.insert(failures, what)
    out("FAIL  " .. what .. (more ~= nil and "\n      " .. vim.inspect(more) or ""))
  end
end

--- Waits for a condition while events are handled.
local function wait(what, condition, more, patience_ms)
  local value
  local came = vim.wait(patience_ms or 30000, function()
    value = condition()
    return value and true or false
  end, 20)
  check(what, came, not came and more and more() or nil)
  return value
end

vim.notify = function(message)
  table.insert(messages, message)
end
local function said(pattern)
  for _, message in ipairs(messages) do
    if message:match(pattern) then
      return message
    end
  end
end

local source = [[
LIMIT = 10


def helper(x):
    return x % LIMIT


def f(a, b):
    """Adds what is left of a to b.

    >>> f(13, 4)
    7
    """
    return helper(a) + b


assert f(13, 4) == 7
assert f(0, 1) == 2
assert f(25, 1) == 6
]]

local function main()
  vim.opt.runtimepath:append(plugin)
  vim.cmd("runtime plugin/azr.lua")
  vim.cmd("filetype on")
  local file = scratch .. "/module.py"
  vim.fn.writefile(vim.split(source, "\n"), file)

  -- Settings.
  local azr = require("azr")
  local fine, problem = pcall(azr.setup, { cmnd = "azr" })
  check("an unknown setting is an error that names the known ones", not fine and problem:match("cmnd.*budget_ms, cmd"), problem)
  fine, problem = pcall(azr.setup, { execution = "sometimes" })
  check("a wrong value is an error", not fine and problem:match("sometimes"), problem)

  -- A missing program: one message with the fix, for any number of buffers.
  azr.setup({ cmd = scratch .. "/nothing-here" })
  vim.cmd("edit " .. file)
  vim.cmd("edit " .. scratch .. "/other.py")
  wait("a missing program is named once, with the fix", function()
    return said("nothing%-here.*cargo install")
  end, function()
    return messages
  end, 3000)
  check("the message comes once", #messages == 1, messages)

  -- A session.
  messages = {}
  local client = require("azr.client")
  client.state.told = false
  azr.setup({ cmd = program, budget_ms = 3000 })
  vim.cmd("buffer " .. vim.fn.bufnr(file))
  local buffer = vim.api.nvim_get_current_buf()
  client.attach(buffer)
  wait("a session starts", function()
    return client.get() and client.get().server_capabilities and client.get().initialized
  end, function()
    return messages
  end)

  -- Status.
  vim.cmd("AzrStatus")
  wait(":AzrStatus names model, queue and daemon", function()
    return said("model .*azr%-tiny.*queue.*daemon")
  end, function()
    return messages
  end)
  check("the status line names the model", azr.statusline():match("azr%-tiny"), azr.statusline())

  -- Hints.
  local hints = require("azr.hints")
  if not vim.lsp.inlay_hint then
    wait("hints show what calls return", function()
      for _, hint in ipairs(hints.drawn(buffer)) do
        if hint.line == 18 and hint.text:match("✗ 1") then
          return true
        end
      end
    end, function()
      return hints.drawn(buffer)
    end)
    vim.cmd("AzrHints off")
    check(":AzrHints off clears them", #hints.drawn(buffer) == 0)
    vim.cmd("AzrHints on")
    wait(":AzrHints on draws them", function()
      return #hints.drawn(buffer) > 0
    end)
  else
    local function drawn()
      return vim.lsp.inlay_hint.get({ bufnr = buffer })
    end
    wait("hints show what calls return", function()
      for _, each in ipairs(drawn()) do
        local label = each.inlay_hint.label
        label = type(label) == "string" and label or label[1].value
        if each.inlay_hint.position.line == 17 and label:match("✗ 1") then
          return true
        end
      end
    end, drawn)
    vim.cmd("AzrHints off")
    check(":AzrHints off clears them", not vim.lsp.inlay_hint.is_enabled({ bufnr = buffer }))
    vim.cmd("AzrHints on")
    wait(":AzrHints on draws them", function()
      return vim.lsp.inlay_hint.is_enabled({ bufnr = buffer }) and #drawn() > 0
    end)
  end

  -- Diagnostics: the second assertion is wrong.
  wait("a refuted assertion is a diagnostic", function()
    for _, each in ipairs(vim.diagnostic.get(buffer)) do
      if each.lnum == 17 and each.source == "azr" then
        return true
      end
    end
  end, function()
    return vim.diagnostic.get(buffer)
  end)

  -- Hover.
  vim.api.nvim_win_set_cursor(0, { 17, 8 })
  vim.cmd("AzrHover")
  local float = wait("the hover float shows the value", function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        local text = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), "\n")
        return text:match("7") and window
      end
    end
  end)
  if float then
    vim.api.nvim_win_close(float, true)
  end

  -- Deduce: the assertion under the cursor, then arguments of our own.
  local reasoning = require("azr.reasoning")
  local function answered(entry)
    return function()
      return entry and not entry.running and entry
    end
  end
  local function last()
    return reasoning.state.entries[1]
  end
  local function show()
    return last()
  end
  vim.cmd("AzrDeduce")
  wait(":AzrDeduce runs the call under the cursor", answered(last()), show)
  check("its value is the executed one", last().result and last().result.actual == "7", last())
  local shown = table.concat(vim.api.nvim_buf_get_lines(reasoning.state.buffer, 0, -1, false), "\n")
  check("the window shows call, badge and value", shown:match("f%(13, 4%)") and shown:match("executed  7") and shown:match("[✓✗?]"), shown)
  check("the answer can be copied", reasoning.answer_of(last()) == "7")
  local function to_source()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_buf(window) == buffer then
        vim.api.nvim_set_current_win(window)
      end
    end
  end
  to_source()
  vim.api.nvim_win_set_cursor(0, { 8, 4 })
  vim.cmd("AzrDeduce 29, 1")
  wait(":AzrDeduce takes arguments", answered(last()), show)
  check("f(29, 1) is 10", last().result and last().result.actual == "10", last())

  -- Abduce.
  to_source()
  vim.cmd("AzrAbduce 12")
  wait(":AzrAbduce finds arguments", answered(last()), show)
  local verified
  for _, each in ipairs(last().result and last().result.inputs or {}) do
    verified = verified or each.verdict == "verified" and each.input
  end
  check("one of them is verified", verified ~= nil, last())

  -- Induce, from a range of examples.
  to_source()
  vim.cmd("17,17AzrInduce")
  wait(":AzrInduce answers", answered(last()), show)
  check("it says how many examples hold", last().result and last().result.total ~= nil, last())

  -- What a lens asks is answered in the window.
  to_source()
  local asked
  local function all_lenses()
    local found = {}
    local got = vim.lsp.buf_request_sync(0, "textDocument/codeLens", { textDocument = vim.lsp.util.make_text_document_params() }, 20000) or {}
    for _, reply in pairs(got) do
      for _, lens in ipairs(type(reply.result) == "table" and reply.result or {}) do
        local resolved = vim.lsp.buf_request_sync(0, "codeLens/resolve", lens, 20000) or {}
        for _, one in pairs(resolved) do
          table.insert(found, one.result and one.result.command or nil)
        end
      end
    end
    return found
  end
  for _, command in ipairs(all_lenses()) do
    if command.command == "azr.deduce" and command.title:match("f%(") then
      asked = command
    end
  end
  check("a function has a lens that asks", asked ~= nil)
  if asked then
    local count = #require("azr.reasoning").state.entries
    vim.lsp.commands["azr.deduce"](asked, {})
    check("a lens adds a question", #require("azr.reasoning").state.entries == count + 1)
    wait("a lens is answered in the window", answered(last()), show)
    check("with the executed value", last().result and last().result.actual == "7", last())
  end

  -- Cancelling answers at once.
  to_source()
  vim.cmd("AzrAbduce 'no such value'")
  vim.cmd("AzrCancel")
  wait(":AzrCancel ends a question", answered(last()), show, 2000)

  -- A wrong place and a wrong file are said, not thrown.
  messages = {}
  to_source()
  vim.api.nvim_win_set_cursor(0, { 2, 0 })
  vim.cmd("AzrDeduce")
  check("a place without a function is said", said("cursor into a function"), messages)

  -- Self-play.
  vim.cmd("AzrSelfPlay start 40")
  local selfplay = require("azr.selfplay")
  wait(":AzrSelfPlay start runs steps", function()
    return selfplay.state.step >= 1
  end, function()
    return { selfplay.state, messages }
  end, 120000)
  local watch = table.concat(vim.api.nvim_buf_get_lines(selfplay.state.buffer, 0, -1, false), "\n")
  check("the window has run, curve and proposals", watch:match("step %d") and watch:match("solver reward") and watch:match("proposals"), watch)
  -- Another session of the same editor follows the run, too.
  vim.cmd("AzrRestart")
  wait("a new session", function()
    return client.get() and client.get().initialized
  end)
  vim.cmd("AzrSelfPlay watch")
  local seen
  wait(":AzrSelfPlay watch follows the run in a new session", function()
    if selfplay.state.session == client.state.id then
      seen = seen or selfplay.state.step
      return selfplay.state.step > seen
    end
  end, function()
    return { selfplay.state, messages }
  end, 120000)
  vim.cmd("AzrSelfPlay stop")
  wait(":AzrSelfPlay stop ends the run", function()
    return selfplay.state.ended
  end, function()
    return { selfplay.state, messages }
  end, 60000)

  -- Health and log.
  vim.cmd("checkhealth azr")
  local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  check(":checkhealth azr is content", health:match("the session runs") and health:match("azr%-tiny"), health)
  vim.cmd("bwipeout!")
  vim.cmd("AzrLog")
  check(":AzrLog shows the log", vim.bo.buftype == "nofile" and vim.api.nvim_buf_line_count(0) >= 1)
  vim.cmd("bwipeout!")
  vim.fn.mkdir(scratch .. "/doc", "p")
  vim.fn.writefile(vim.fn.readfile(plugin .. "/doc/azr.txt"), scratch .. "/doc/azr.txt")
  vim.cmd("helptags " .. scratch .. "/doc")
  local tags = table.concat(vim.fn.readfile(scratch .. "/doc/tags"), "\n")
  check("the help has its tags", tags:match(":AzrDeduce\t") and tags:match("azr%-setup\t"), tags)

  -- A crash of the bridge: the session comes back by itself.
  to_source()
  vim.api.nvim_win_set_cursor(0, { 8, 4 })
  local before = client.state.id
  local pid = vim.fn.system({ "pgrep", "-P", tostring(vim.fn.getpid()), "-f", " lsp" }):match("%d+")
  check("the server is a child of ours", pid ~= nil)
  if pid then
    vim.cmd("AzrAbduce 'no such value at all'")
    local open = last()
    vim.fn.system({ "kill", "-9", pid })
    wait("a question that the crash took ends", answered(open), show, 10000)
    wait("after a crash a new session comes by itself", function()
      return client.state.id and client.state.id ~= before and client.get() and client.get().initialized
    end, function()
      return messages
    end)
    vim.cmd("AzrDeduce 29, 1")
    wait("and answers", answered(last()), show)
    check("as before", last().result and last().result.actual == "10", last())
  end

  -- Restart and stop.
  before = client.state.id
  vim.cmd("AzrRestart")
  wait(":AzrRestart makes a new session", function()
    return client.state.id and client.state.id ~= before and client.get() and client.get().initialized
  end)
  vim.cmd("AzrStop")
  wait(":AzrStop ends it", function()
    return client.get() == nil and #(vim.lsp.get_clients or vim.lsp.get_active_clients)() == 0
  end)
end

local fine, problem = xpcall(main, debug.traceback)
if not fine then
  table.insert(failures, problem)
  out("FAIL  " .. problem)
end
out(("%d checks, %d failures"):format(checks, #failures))
vim.cmd(#failures == 0 and "qall!" or "cquit 1")
