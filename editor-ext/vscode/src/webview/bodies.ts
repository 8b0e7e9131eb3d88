// The fixed parts of the two views. What changes is drawn by their scripts, as text, never as markup.

export const REASONING = `
<form id="question" aria-label="Question">
  <fieldset class="kinds">
    <legend class="hidden">What to ask</legend>
    <label><input type="radio" name="kind" value="deduce"> Output</label>
    <label><input type="radio" name="kind" value="abduce"> Input</label>
    <label><input type="radio" name="kind" value="induce"> Function</label>
  </fieldset>
  <p id="explanation"></p>
  <details id="of-program">
    <summary>Program <span id="origin"></span></summary>
    <textarea id="program" aria-label="Program" rows="9" spellcheck="false" wrap="off" placeholder="Put the cursor into a Python function and choose AZR: Deduce, or write one here."></textarea>
    <div class="call">
      <label for="name">Function</label>
      <input id="name" type="text" spellcheck="false" autocomplete="off" placeholder="f">
    </div>
  </details>
  <div id="of-input"><label for="input">Arguments</label><input id="input" type="text" spellcheck="false" autocomplete="off" placeholder="3, [1, 2]"></div>
  <div id="of-output"><label for="output">Value that it shall return</label><input id="output" type="text" spellcheck="false" autocomplete="off" placeholder="'abc'"></div>
  <div id="of-examples"><label for="examples">Examples, one a line</label><textarea id="examples" rows="5" spellcheck="false" wrap="off" placeholder="3, 4 -> 7"></textarea>
    <label for="message">What it shall do (optional)</label><input id="message" type="text" autocomplete="off"></div>
  <p id="notice" role="alert"></p>
  <button id="ask" type="submit">Ask <kbd>Ctrl+Enter</kbd></button>
</form>
<section id="entries" aria-label="Answers" aria-live="polite"></section>`;

export const SELF_PLAY = `
<form id="run" aria-label="Run">
  <p id="state" role="status"></p>
  <div id="setup">
    <label for="steps">Steps</label>
    <input id="steps" type="number" min="1" max="100000" value="30">
    <button id="start" type="submit">Start</button>
    <button id="resume" type="button" class="secondary">Resume</button>
  </div>
  <button id="stop" type="button">Stop after a checkpoint</button>
  <p id="notice" role="alert"></p>
</form>
<section aria-labelledby="curve-title">
  <h2 id="curve-title">Reward by step</h2>
  <div id="curve"></div>
  <p id="legend"></p>
</section>
<section aria-labelledby="proposals-title">
  <h2 id="proposals-title">Last proposals</h2>
  <div id="proposals"></div>
</section>`;
