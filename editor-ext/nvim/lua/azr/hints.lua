-- Hints beside calls. Neovim 0.10 and later draws them inline by itself; earlier versions get them as virtual text at
-- the end of the line.

local config = require("azr.config")

local M = {}

local space = vim.api.nvim_create_namespace("azr_hints")
local watched = {}
local DELAY_MS = 300

local function built_in()
  return vim.lsp.inlay_hint ~= nil and vim.lsp.inlay_hint.enable ~= nil
end

local function label_of(hint)
  if type(hint.label) == "string" then
    return hint.label
  end
  local parts = {}
  for _, part in ipairs(hint.label) do
    table.insert(parts, part.value)
  end
  return table.concat(parts)
end

--- Asks for the hints of a buffer and draws them.
function M.refresh(buffer)
  if built_in() or not config.values.hints or not vim.api.nvim_buf_is_loaded(buffer) then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    range = {
      start = { line = 0, character = 0 },
      ["end"] = { line = vim.api.nvim_buf_line_count(buffer), character = 0 },
    },
  }
  require("azr.client").request("textDocument/inlayHint", params, function(_, hints)
    if not vim.api.nvim_buf_is_loaded(buffer) or vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
      return
    end
    vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
    if not config.values.hints then
      return
    end
    local by_line = {}
    for _, hint in ipairs(type(hints) == "table" and hints or {}) do
      local line = hint.position.line
      by_line[line] = by_line[line] or {}
      table.insert(by_line[line], vim.trim(label_of(hint)))
    end
    for line, labels in pairs(by_line) do
      if line < vim.api.nvim_buf_line_count(buffer) then
        vim.api.nvim_buf_set_extmark(buffer, space, line, 0, {
          virt_text = { { " " .. table.concat(labels, "  "), "Comment" } },
          hl_mode = "combine",
        })
      end
    end
  end)
end

function M.refresh_all()
  for buffer in pairs(watched) do
    M.refresh(buffer)
  end
end

--- Keeps the hints of a buffer current.
function M.watch(buffer)
  if built_in() then
    if config.values.hints then
      -- The function takes (enable, filter) since 0.10.
      pcall(vim.lsp.inlay_hint.enable, true, { bufnr = buffer })
    end
    return
  end
  if not watched[buffer] then
    watched[buffer] = true
    local timer = vim.loop.new_timer()
    local again = function()
      timer:stop()
      timer:start(DELAY_MS, 0, vim.schedule_wrap(function()
        M.refresh(buffer)
      end))
    end
    vim.api.nvim_buf_attach(buffer, false, {
      on_lines = function()
        if not watched[buffer] then
          return true
        end
        again()
      end,
      on_detach = function()
        watched[buffer] = nil
        timer:close()
      end,
    })
  end
  -- The first answers come when the server has started.
  vim.defer_fn(function()
    M.refresh(buffer)
  end, DELAY_MS)
end

--- `:AzrHints on|off|toggle`.
function M.switch(word)
  if word == "" or word == "toggle" then
    config.values.hints = not config.values.hints
  elseif word == "on" or word == "off" then
    config.values.hints = word == "on"
  else
    vim.notify("azr: :AzrHints takes on, off or toggle", vim.log.levels.ERROR)
    return
  end
  if built_in() then
    -- Only in buffers of ours: elsewhere the hints are another server's.
    local client = require("azr.client").get()
    for buffer in pairs(client and client.attached_buffers or {}) do
      pcall(vim.lsp.inlay_hint.enable, config.values.hints, { bufnr = buffer })
    end
    return
  end
  for buffer in pairs(watched) do
    vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
    M.refresh(buffer)
  end
end

--- The hints that are drawn in a buffer: a list of { line (from 1), text }.
function M.drawn(buffer)
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, { details = true })) do
    table.insert(found, { line = mark[2] + 1, text = vim.trim(mark[4].virt_text[1][1]) })
  end
  return found
end

return M
