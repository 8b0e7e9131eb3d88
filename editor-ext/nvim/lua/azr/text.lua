-- The little of Python's surface that a question needs: calls, examples, the function around a line. Nothing is
-- evaluated, and the server parses everything anew.

local M = {}

local CLOSING = { ["("] = ")", ["["] = "]", ["{"] = "}" }

--- Walks over code outside strings. `visit(index, depth)` stops the walk by returning true.
--- Gives "stopped", "end" or "broken".
local function walk(text, visit)
  local open, at = {}, 1
  while at <= #text do
    local character = text:sub(at, at)
    if character == "'" or character == '"' then
      local quote = character:rep(3)
      if text:sub(at, at + 2) ~= quote then
        quote = character
      end
      local next_at = at + #quote
      while true do
        if next_at > #text then
          return "broken"
        elseif text:sub(next_at, next_at) == "\\" then
          next_at = next_at + 2
        elseif text:sub(next_at, next_at + #quote - 1) == quote then
          break
        elseif #quote == 1 and text:sub(next_at, next_at) == "\n" then
          return "broken"
        else
          next_at = next_at + 1
        end
      end
      at = next_at + #quote
    else
      if #open > 0 and character == open[#open] then
        table.remove(open)
      end
      if visit(at, #open) then
        return "stopped"
      end
      if CLOSING[character] then
        table.insert(open, CLOSING[character])
      end
      at = at + 1
    end
  end
  return #open == 0 and "end" or "broken"
end

--- Reads `name(arguments)`, all of the text: name and arguments, or nil.
function M.read_call(text)
  local name, body = text:match("^%s*([%a_\128-\255][%w_\128-\255]*)%s*(%(.*)$")
  if not name then
    return nil
  end
  local last
  walk(body, function(index, depth)
    if index > 1 and depth == 0 then
      last = index
      return true
    end
  end)
  if not last or body:sub(last, last) ~= ")" or vim.trim(body:sub(last + 1)) ~= "" then
    return nil
  end
  return name, vim.trim(body:sub(2, last - 1))
end

--- Splits at the first of the separators that stands outside brackets and strings: left, right, separator.
local function split(text, separators)
  local left, right, found
  walk(text, function(index, depth)
    if depth > 0 then
      return false
    end
    for _, separator in ipairs(separators) do
      if text:sub(index, index + #separator - 1) == separator then
        left, right, found = vim.trim(text:sub(1, index - 1)), vim.trim(text:sub(index + #separator)), separator
        return true
      end
    end
  end)
  return left, right, found
end

--- Cuts a comment and the message of an assertion off.
local function expression(text)
  local last = #text
  walk(text, function(index, depth)
    if depth == 0 and text:sub(index, index):match("[#,]") then
      last = index - 1
      return true
    end
  end)
  return vim.trim(text:sub(1, last))
end

--- Reads examples: a list of { input, output, name }. Forms: assertions, comparisons, `f(1) -> 2`, doctests, `1 -> 2`.
function M.read_examples(lines)
  local examples, at = {}, 1
  while at <= #lines do
    local line = vim.trim(lines[at])
    if line:sub(1, 3) == ">>>" then
      local name, input = M.read_call(line:sub(4))
      local output = vim.trim(lines[at + 1] or "")
      if name and output ~= "" and output:sub(1, 3) ~= ">>>" then
        table.insert(examples, { name = name, input = input, output = output })
        at = at + 1
      end
    else
      line = line:gsub("^#%s*", ""):gsub("^assert%s+", "")
      local left, right, separator = split(line, { "==", "->", "=>" })
      if not left then
        left, right, separator = split(line, { " = " })
      end
      if left and left ~= "" and right ~= "" then
        local name, input = M.read_call(left)
        if name then
          local output = expression(right)
          if output ~= "" then
            table.insert(examples, { name = name, input = input, output = output })
          end
        elseif (separator == "->" or separator == "=>") and not line:match(":$") then
          table.insert(examples, { input = left, output = right })
        end
      end
    end
    at = at + 1
  end
  return examples
end

local KEPT = { "^async%s+def%s", "^def%s", "^class%s", "^@", "^import%s", "^from%s", "^[%a_\128-\255][%w_\128-\255]*%s*=[^=]", "^[%a_\128-\255][%w_\128-\255]*%s*:[^=]+=[^=]" }

--- The definitions, imports and assignments of a file. What else stands at its top level is left out: assertions, calls
--- and the like would run before the question, and one that fails would be the answer.
function M.definitions_of(lines)
  local kept, chunk, decorated = {}, {}, true
  local function finish()
    for _, pattern in ipairs(KEPT) do
      if chunk[1] and (chunk[1] .. " "):match(pattern) then
        table.insert(kept, table.concat(chunk, "\n"))
        break
      end
    end
    chunk, decorated = {}, true
  end
  for _, line in ipairs(lines) do
    local begins = line:match("^[^%s#)%]}]") ~= nil
    -- A decorator belongs to what follows; an open bracket or string goes on.
    local goes_on = #chunk > 0 and (decorated or walk(table.concat(chunk, "\n"), function() end) ~= "end")
    if begins and not goes_on then
      finish()
    end
    if #chunk > 0 or begins then
      table.insert(chunk, line)
      decorated = decorated and line:match("^[@#]") ~= nil
    end
  end
  finish()
  return table.concat(kept, "\n\n") .. "\n"
end

--- The innermost function whose text has the line (from 1): name, first line, last line; or nil.
function M.function_at(lines, line)
  for at = math.min(line, #lines), 1, -1 do
    local indent, name = lines[at]:match("^(%s*)def%s+([%w_\128-\255]+)")
    if not name then
      indent, name = lines[at]:match("^(%s*)async%s+def%s+([%w_\128-\255]+)")
    end
    if name then
      local last, header = at, true
      for below = at, #lines do
        local text = lines[below]
        if header then
          last = below
          if text:match(":%s*$") or text:match(":%s*#") or text:match("%):%s*%S") then
            header = false
          end
        elseif vim.trim(text) ~= "" then
          if #text:match("^%s*") <= #indent and not text:match("^%s*[%)%]}]") then
            break
          end
          last = below
        end
      end
      if line <= last then
        return name, at, last
      end
    end
  end
  return nil
end

return M
