-- The commands exist from the start; nothing else is loaded until one is used or `setup` is called.

if vim.g.loaded_azr then
  return
end
vim.g.loaded_azr = true

local function command(name, options, work)
  vim.api.nvim_create_user_command(name, work, options)
end

command("AzrDeduce", { nargs = "*", range = true, desc = "Deduce what a call returns" }, function(given)
  require("azr.reasoning").ask("deduce", given)
end)
command("AzrAbduce", { nargs = "*", range = true, desc = "Find arguments that give a value" }, function(given)
  require("azr.reasoning").ask("abduce", given)
end)
command("AzrInduce", { nargs = "*", range = true, desc = "Write a function from examples" }, function(given)
  require("azr.reasoning").ask("induce", given)
end)
command("AzrReasoning", { desc = "Show the last answers" }, function()
  require("azr.reasoning").open()
end)
command("AzrHover", { desc = "Show what is known about the call under the cursor" }, function()
  vim.lsp.buf.hover()
end)
command("AzrHints", {
  nargs = "?",
  desc = "Hints: on, off or toggle",
  complete = function()
    return { "on", "off", "toggle" }
  end,
}, function(given)
  require("azr.hints").switch(given.args)
end)
command("AzrCancel", { desc = "Cancel what is running" }, function()
  require("azr.reasoning").cancel()
end)
command("AzrStatus", { desc = "Show model, queue and training" }, function()
  require("azr.status").show()
end)
command("AzrRestart", { desc = "Restart the session" }, function()
  require("azr.client").restart()
end)
command("AzrStop", { desc = "Stop the session" }, function()
  require("azr.client").stop()
end)
command("AzrLog", { desc = "Open the log of the daemon" }, function()
  require("azr.status").log()
end)
command("AzrSelfPlay", {
  nargs = "*",
  desc = "Self-play in the daemon: start [steps], stop, watch",
  complete = function()
    return { "start", "stop", "watch" }
  end,
}, function(given)
  require("azr.selfplay").run(given.fargs)
end)
