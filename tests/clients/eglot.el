;;; eglot.el --- azr in a real Emacs: every feature through eglot -*- lexical-binding: t -*-

;;; Commentary:
;; emacs --batch -q -l eglot.el, with AZR_PROGRAM (the program) and AZR_SCRATCH (an empty folder).

;;; Code:
(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'python)

(defvar azr-checks 0)
(defvar azr-failures 0)

(defun azr-check (what right &optional more)
  "Count the check WHAT, which is RIGHT or not; show MORE if not."
  (setq azr-checks (1+ azr-checks))
  (unless right (setq azr-failures (1+ azr-failures)))
  (princ (format "%s %s%s\n" (if right "ok   " "FAIL ") what
                 (if right "" (format "\n      %S" more)))))

(defun azr-wait (what condition &optional more seconds)
  "Check WHAT: CONDITION comes true within SECONDS; give its value, else show MORE."
  (let ((end (+ (float-time) (or seconds 60))) value)
    (while (and (not (setq value (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.05))
    (azr-check what value (and (not value) more (funcall more)))
    value))

(defun azr-ask (method params)
  "Send METHOD with PARAMS and wait for the result."
  (jsonrpc-request (eglot-current-server) method params :timeout 60))

(defun azr-refusal (method params)
  "Send METHOD with PARAMS; give the code of the error that comes."
  (condition-case err (progn (azr-ask method params) nil)
    (jsonrpc-error (alist-get 'jsonrpc-error-code (cdr err)))))

(defun azr-at (text)
  "Put point at TEXT and give the parameters of that place."
  (goto-char (point-min))
  (search-forward text)
  (goto-char (match-beginning 0))
  (eglot--TextDocumentPositionParams))

(defun azr-hover (text)
  "The hover at TEXT as a string; empty where there is none."
  (let ((hover (azr-ask :textDocument/hover (azr-at text))))
    (if hover (format "%s" (plist-get hover :contents)) "")))

(defconst azr-source "LIMIT = 10


def helper(x):
    return x % LIMIT


def f(a, b):
    \"\"\"Adds what is left of a to b.

    >>> f(13, 4)
    8
    \"\"\"
    return helper(a) + b


assert f(13, 4) == 7
assert f(0, 1) == 2
s = '\U0001f600'; x = f(25, 1)
")

(defun azr-everything ()
  "The range of the whole buffer."
  (list :start (eglot--pos-to-lsp-position (point-min)) :end (eglot--pos-to-lsp-position (point-max))))

(defun azr-notes ()
  "The texts of the buffer's diagnostics."
  (sort (mapcar #'flymake-diagnostic-text (flymake-diagnostics)) #'string<))

(defun azr-reading ()
  "Hover, hints, diagnostics, lenses."
  (azr-wait "refuted claims are notes of flymake" (lambda () (= (length (azr-notes)) 2)) #'azr-notes)
  (azr-check "they name the actual values"
             (and (string-match-p "f(0, 1) is 1, not 2" (nth 0 (azr-notes)))
                  (string-match-p "f(13, 4) is 7, not 8" (nth 1 (azr-notes))))
             (azr-notes))
  (let ((text (azr-hover "f(25, 1)")))
    (azr-check "hover behind a character of two units shows value and verdict"
               (and (string-match-p "6" text) (string-match-p "verified by execution" text)) text))
  (azr-check "hover of a refuted assertion says so" (string-match-p "refuted by execution" (azr-hover "f(0, 1)")))
  (azr-check "hover elsewhere says nothing" (equal (azr-hover "LIMIT = 10") ""))
  (let* ((params (list :textDocument (eglot--TextDocumentIdentifier) :range (azr-everything)))
         (labels (mapcar (lambda (hint) (plist-get hint :label)) (azr-ask :textDocument/inlayHint params))))
    (azr-check "hints show what calls return" (and (member "= 6 ✓" labels) (member "✗ 1" labels)) labels))
  (let* ((lenses (azr-ask :textDocument/codeLens (list :textDocument (eglot--TextDocumentIdentifier))))
         (command (plist-get (azr-ask :codeLens/resolve (aref lenses 0)) :command)))
    (azr-check "a lens resolves to a command of ours"
               (string-prefix-p "azr." (plist-get command :command)) command)
    (azr-check "eglot runs it" (eglot-execute-command (eglot-current-server) (plist-get command :command)
                                                      (plist-get command :arguments)))))

(defun azr-acting ()
  "Code actions, edits, settings."
  (azr-at "f(0, 1) == 2")
  (let ((note (seq-find (lambda (one) (string-match-p "f(0, 1)" (flymake-diagnostic-text one))) (flymake-diagnostics))))
    (eglot-code-actions (flymake-diagnostic-beg note) (flymake-diagnostic-end note) "quickfix" nil)
    ;; The only quick fix there is taken without a question when a kind is asked for.
    (let ((actions (eglot-code-actions (flymake-diagnostic-beg note) (flymake-diagnostic-end note) "quickfix")))
      (when (consp actions)
        (eglot--apply-workspace-edit (plist-get (car actions) :edit) nil))))
  (azr-wait "the action replaces the claimed value"
            (lambda () (string-match-p "f(0, 1) == 1" (buffer-string))) #'buffer-string 5)
  (azr-wait "the note goes with the mistake" (lambda () (= (length (azr-notes)) 1)) #'azr-notes)
  (goto-char (point-max))
  (insert "y = f(99, 1)\nbroken = (\n")
  (eglot--signal-textDocument/didChange)
  (azr-check "an edit reaches the server" (string-match-p "10" (azr-hover "f(99, 1)")))
  (let ((titles (mapcar (lambda (action) (plist-get action :title))
                        (azr-ask :textDocument/codeAction
                                 (list :textDocument (eglot--TextDocumentIdentifier) :range (azr-everything)
                                       :context (list :diagnostics []))))))
    (azr-check "actions ask the three questions" (seq-some (lambda (one) (string-match-p "deduce" one)) titles) titles)))

(defun azr-reasoning ()
  "The questions, cancelled ones too, and the daemon's own requests."
  (let ((program "def f(a):\n    return a * 2\n"))
    (azr-check "execute" (equal (plist-get (azr-ask :azr/execute (list :program program :input "21")) :value) "42"))
    (let ((answer (azr-ask :azr/deduce (append (azr-at "f(25, 1)") (list :budget (list :samples 0))))))
      (azr-check "deduce at point" (equal (plist-get answer :actual) "6") answer))
    (let ((answer (azr-ask :azr/abduce (list :program program :output "14" :budget (list :ms 3000)))))
      (azr-check "abduce finds a verified input" (equal (plist-get answer :verdict) "verified") answer))
    (let ((answer (azr-ask :azr/induce (list :examples [(:input "1" :output "2") (:input "5" :output "10")] :budget (list :ms 2000)))))
      (azr-check "induce says how many examples hold" (numberp (plist-get answer :total)) answer))
    (let* ((endless "def f(a):\n    while True:\n        a += 1\n") code
           (request (jsonrpc--async-request-1 (eglot-current-server) :azr/execute (list :program endless :input "1" :seconds 10)
                                           :success-fn #'ignore
                                           :error-fn (lambda (error) (setq code (plist-get error :code)))
                                           :timeout 60)))
      (accept-process-output nil 0.3)
      (jsonrpc-notify (eglot-current-server) :$/cancelRequest (list :id (car request)))
      (azr-wait "a cancelled question is answered as one" (lambda () (equal code -32800)) (lambda () code) 5)))
  (let ((status (azr-ask :workspace/executeCommand (list :command "azr.status" :arguments []))))
    (azr-check "status names the model" (equal (plist-get (plist-get status :model) :name) "azr-tiny") status))
  (azr-check "the page of the runs has an address on this machine"
             (string-prefix-p "http://127.0.0.1:" (plist-get (azr-ask :azr/dashboard nil) :url)))
  (azr-check "a method that is not there is an error" (equal (azr-refusal :azr/nothing nil) -32601)))

(defun azr-main ()
  "All checks."
  (let ((file (expand-file-name "module.py" (getenv "AZR_SCRATCH"))))
    (write-region azr-source nil file nil 'silent)
    (setq eglot-server-programs `((python-mode . (,(getenv "AZR_PROGRAM") "lsp")))
          eglot-sync-connect 60
          eglot-connect-timeout 60
          eglot-confirm-server-initiated-edits nil)
    (find-file file)
    (python-mode)
    (apply #'eglot (eglot--guess-contact))
    (azr-check "a session starts" (eglot-managed-p))
    (azr-reading)
    (azr-acting)
    (azr-reasoning)
    (let ((process (jsonrpc--process (eglot-current-server))))
      (eglot-shutdown (eglot-current-server))
      (azr-wait "the server ends with the session" (lambda () (not (process-live-p process)))))))

(condition-case err (azr-main)
  (error (azr-check "no error" nil err)))
(princ (format "%d checks, %d failures\n" azr-checks azr-failures))
(set-buffer-modified-p nil)
(kill-emacs (if (zerop azr-failures) 0 1))
;;; eglot.el ends here
