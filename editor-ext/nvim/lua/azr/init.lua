-- The entry: `require("azr").setup { ... }`.

local M = {}

--- Takes the settings and attaches to Python buffers, those that are open included.
function M.setup(settings)
  local config = require("azr.config")
  config.set(settings or {})
  local group = vim.api.nvim_create_augroup("azr", { clear = true })
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    pattern = "python",
    callback = function(event)
      require("azr.client").attach(event.buf)
    end,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == "python" then
      require("azr.client").attach(buffer)
    end
  end
end

--- The status in a few words, for a status line.
function M.statusline()
  return require("azr.status").line()
end

return M
