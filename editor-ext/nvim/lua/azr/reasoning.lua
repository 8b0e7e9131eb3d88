-- Questions about code, and the floating window with the answers.

local client = require("azr.client")
local config = require("azr.config")
local text = require("azr.text")

local M = {}

local BADGES = {
  verified = "✓ verified",
  refuted = "✗ refuted",
  unverified = "? not checked",
  timeout = "⧖ limit reached",
  error = "! raised",
  nondeterministic = "≁ varies",
}
local GROUPS = {
  verified = "DiagnosticInfo",
  refuted = "DiagnosticError",
  unverified = "Comment",
  timeout = "DiagnosticWarn",
  error = "DiagnosticError",
  nondeterministic = "DiagnosticWarn",
}
local MOST_ENTRIES = 20

local space = vim.api.nvim_create_namespace("azr_reasoning")
local state = { entries = {}, buffer = nil, window = nil, source = nil }
M.state = state

--- The badge of a claim; what this version does not know counts as not checked.
local function badge(claim)
  claim = BADGES[claim] and claim or "unverified"
  return BADGES[claim], GROUPS[claim]
end

local function as_text(value)
  if value == nil or value == vim.NIL then
    return ""
  end
  return type(value) == "string" and value or vim.inspect(value)
end

local function as_list(value)
  return type(value) == "table" and value or {}
end

--- Lines of an entry, and the highlights in them: { line offset, from, to, group }.
local function draw_entry(entry)
  local lines, marks = {}, {}
  local function add(line, group, from)
    for _, each in ipairs(vim.split(line, "\n")) do
      table.insert(lines, each)
      if group then
        table.insert(marks, { #lines - 1, from or 0, #each, group })
      end
    end
  end
  local function add_badge(claim, rest)
    local words, group = badge(claim)
    table.insert(lines, words .. (rest ~= "" and "  " .. rest:gsub("\n", "\n  ") or ""))
    local first = lines[#lines]
    lines[#lines] = nil
    for index, each in ipairs(vim.split(first, "\n")) do
      table.insert(lines, each)
      if index == 1 then
        table.insert(marks, { #lines - 1, 0, #words, group })
      end
    end
  end
  add(entry.title, "Title")
  if entry.running then
    add("running ...", "Comment")
  end
  if entry.error then
    add(entry.error, "DiagnosticError")
  end
  local result = entry.result
  if result then
    if entry.kind == "deduce" then
      add_badge(result.verdict, "")
      if as_text(result.actual) ~= "" then
        add("executed  " .. as_text(result.actual))
      end
      if type(result.error) == "table" then
        add(("raised    %s: %s"):format(as_text(result.error.kind), as_text(result.error.message)))
      end
      if as_text(result.predicted) ~= "" then
        add("model     " .. as_text(result.predicted))
      end
    elseif entry.kind == "abduce" then
      local inputs = as_list(result.inputs)
      if #inputs == 0 then
        add("No arguments were found.")
      end
      for _, each in ipairs(inputs) do
        add_badge(each.verdict, as_text(each.input))
      end
    else
      add_badge(result.verdict, ("%s of %s examples"):format(as_text(result.passed), as_text(result.total)))
      if as_text(result.program) ~= "" then
        add(as_text(result.program))
      else
        add("No program was found.")
      end
    end
    if as_text(result.rationale) ~= "" then
      add("The model's reasoning:", "Comment")
      add("  " .. as_text(result.rationale):gsub("\n", "\n  "), "Comment")
    end
  else
    for _, each in ipairs(entry.parts) do
      add_badge(each.verdict, as_text(each.input or each.program or each.value))
    end
  end
  add("")
  return lines, marks
end

--- What `y` and `p` take: the answer of an entry, or nil.
function M.answer_of(entry)
  local result = entry.result
  if not result then
    return nil
  end
  local answer
  if entry.kind == "deduce" then
    answer = as_text(result.actual) ~= "" and as_text(result.actual) or as_text(result.predicted)
  elseif entry.kind == "abduce" then
    for _, each in ipairs(as_list(result.inputs)) do
      if not answer or each.verdict == "verified" then
        answer = as_text(each.input)
        if each.verdict == "verified" then
          break
        end
      end
    end
  else
    answer = as_text(result.program)
  end
  return answer ~= "" and answer or nil
end

local function draw()
  local buffer = state.buffer
  if not buffer or not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  local lines, marks, owner = {}, {}, {}
  for _, entry in ipairs(state.entries) do
    local own, own_marks = draw_entry(entry)
    for _, mark in ipairs(own_marks) do
      table.insert(marks, { #lines + mark[1], mark[2], mark[3], mark[4] })
    end
    for _, line in ipairs(own) do
      table.insert(lines, line)
      owner[#lines] = entry
    end
  end
  if #lines == 0 then
    lines = { "No questions yet: :AzrDeduce, :AzrAbduce, :AzrInduce" }
  end
  state.owner = owner
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].modifiable = false
  vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  for _, mark in ipairs(marks) do
    vim.api.nvim_buf_set_extmark(buffer, space, mark[1], mark[2], { end_col = mark[3], hl_group = mark[4] })
  end
end

local function close()
  if state.window and vim.api.nvim_win_is_valid(state.window) then
    vim.api.nvim_win_close(state.window, true)
  end
  state.window = nil
end

local function entry_under_cursor()
  local line = vim.api.nvim_win_get_cursor(state.window)[1]
  return state.owner[line] or state.entries[1]
end

local function copy()
  local answer = entry_under_cursor() and M.answer_of(entry_under_cursor())
  if answer then
    vim.fn.setreg('"', answer)
    pcall(vim.fn.setreg, "+", answer)
    vim.api.nvim_echo({ { "azr: copied" } }, false, {})
  end
end

--- Puts the answer behind the cursor of the window that the question came from.
local function insert()
  local answer = entry_under_cursor() and M.answer_of(entry_under_cursor())
  local window = state.source
  if not answer or not window or not vim.api.nvim_win_is_valid(window) then
    return
  end
  close()
  vim.api.nvim_set_current_win(window)
  local multiline = answer:find("\n") ~= nil
  vim.api.nvim_put(vim.split(answer, "\n"), multiline and "l" or "c", true, true)
end

--- Opens the window; the keys are in its last line.
function M.open(focus)
  if not state.buffer or not vim.api.nvim_buf_is_valid(state.buffer) then
    state.buffer = vim.api.nvim_create_buf(false, true)
    vim.bo[state.buffer].bufhidden = "hide"
    vim.bo[state.buffer].filetype = "azr"
    local function map(key, work)
      vim.keymap.set("n", key, work, { buffer = state.buffer, nowait = true, silent = true })
    end
    map("q", close)
    map("<Esc>", close)
    map("y", copy)
    map("p", insert)
    map("c", M.cancel)
  end
  if vim.api.nvim_get_current_win() ~= state.window then
    state.source = vim.api.nvim_get_current_win()
  end
  if not state.window or not vim.api.nvim_win_is_valid(state.window) then
    local width = math.max(20, math.min(80, vim.o.columns - 4))
    local height = math.max(5, math.min(20, vim.o.lines - 6))
    local options = {
      relative = "editor",
      width = width,
      height = height,
      row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
      col = math.floor((vim.o.columns - width) / 2),
      style = "minimal",
      border = "rounded",
    }
    if vim.fn.has("nvim-0.10") == 1 then
      options.title, options.footer = " AZR ", " q close   y copy   p put at the cursor   c cancel "
    end
    state.window = vim.api.nvim_open_win(state.buffer, focus ~= false, options)
    vim.wo[state.window].wrap = true
    vim.wo[state.window].linebreak = true
  end
  draw()
end

local function lines_of(buffer, from, to)
  return vim.api.nvim_buf_get_lines(buffer, from - 1, to, false)
end

--- The question at the cursor, or in the range that a command was given: kind, name, program, input, output, examples.
function M.question_at(kind, buffer, given)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local cursor = vim.api.nvim_win_get_cursor(0)[1]
  local has_range = given.range and given.range > 0
  local first = has_range and given.line1 or cursor
  local last = has_range and given.line2 or cursor
  local name, from, to = text.function_at(lines, first)
  local question = { kind = kind, name = name, program = text.definitions_of(lines) }
  local here = text.read_examples(lines_of(buffer, first, last))
  if kind == "induce" then
    if #here == 0 and name then
      here = text.read_examples(lines_of(buffer, from, to))
    end
    question.examples = {}
    for _, each in ipairs(here) do
      table.insert(question.examples, { input = each.input, output = each.output })
    end
    return question
  end
  local example = here[1] and here[1].name and here[1] or nil
  if not example then
    local called, input = text.read_call(vim.trim(table.concat(lines_of(buffer, first, last), "\n")))
    if called then
      question.name, question.input = called, input
      return question
    end
    for _, each in ipairs(text.read_examples(lines)) do
      if name and each.name == name then
        example = each
        break
      end
    end
  end
  if example then
    question.name, question.input, question.output = example.name, example.input, example.output
  end
  return question
end

local function title_of(question)
  local name = question.name or "f"
  if question.kind == "deduce" then
    return ("%s(%s)"):format(name, question.input)
  elseif question.kind == "abduce" then
    return ("%s(?) == %s"):format(name, question.output)
  end
  return ("a function for %d example(s)"):format(#question.examples)
end

local function parameters_of(question)
  local params = { budget = { ms = config.values.budget_ms } }
  if question.kind == "induce" then
    params.examples, params.message = question.examples, question.message
    return params
  end
  params.program, params["function"] = question.program, question.name
  if question.kind == "deduce" then
    params.input = question.input
  else
    params.output = question.output
  end
  return params
end

--- Adds an entry, and asks.
local function send(question)
  local entry = { kind = question.kind, title = title_of(question), running = true, parts = {} }
  table.insert(state.entries, 1, entry)
  state.entries[MOST_ENTRIES + 1] = nil
  M.open(#vim.api.nvim_list_uis() > 0)
  local function finish(problem, result)
    entry.running, entry.cancel = false, nil
    entry.error = problem
    entry.result = not problem and type(result) == "table" and result or entry.result
    draw()
  end
  local function on_part(part)
    part = as_list(part)
    if part.verdict then
      -- A whole answer, as it is so far.
      entry.result = part
    else
      vim.list_extend(entry.parts, part.inputs or part.candidates or part)
    end
    draw()
  end
  entry.cancel = client.request("azr/" .. question.kind, parameters_of(question), finish, on_part)
end

--- Asks what a lens or a code action of the server asks: the parameters of its request.
function M.ask_with(kind, asked)
  send({
    kind = kind,
    name = asked["function"],
    program = asked.program,
    input = asked.input,
    output = asked.output,
    examples = as_list(asked.examples),
  })
end

--- `:AzrDeduce`, `:AzrAbduce`, `:AzrInduce`. Words behind the command are the arguments, the value, or what the
--- function shall do; what is missing is asked for.
function M.ask(kind, given)
  local buffer = vim.api.nvim_get_current_buf()
  if vim.bo[buffer].filetype ~= "python" then
    vim.notify("azr: this is not a Python buffer", vim.log.levels.ERROR)
    return
  end
  local question = M.question_at(kind, buffer, given)
  local words = vim.trim(given.args or "")
  if kind == "induce" then
    question.message = words ~= "" and words or nil
    if #question.examples == 0 then
      vim.notify("azr: no examples here; give a range with lines like  assert f(1) == 2", vim.log.levels.ERROR)
      return
    end
    send(question)
    return
  end
  if not question.name then
    vim.notify("azr: put the cursor into a function, or on a call", vim.log.levels.ERROR)
    return
  end
  local field = kind == "deduce" and "input" or "output"
  if words ~= "" then
    question[field] = words
  end
  if question[field] then
    send(question)
    return
  end
  local prompt = kind == "deduce" and ("Arguments of %s: "):format(question.name) or ("Value of %s: "):format(question.name)
  vim.ui.input({ prompt = prompt }, function(answer)
    if answer and (vim.trim(answer) ~= "" or kind == "deduce") then
      question[field] = vim.trim(answer)
      send(question)
    end
  end)
end

--- Cancels every question that runs.
function M.cancel()
  for _, entry in ipairs(state.entries) do
    if entry.cancel then
      entry.cancel()
    end
  end
end

return M
