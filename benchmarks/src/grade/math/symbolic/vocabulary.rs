//! The texts that the reference's grammar knows. The tables keep their shape: a row a kind.

use super::lexer::{NamedSet, Sign, Token};

/// Texts that mean nothing.
#[rustfmt::skip]
pub const SKIPPED: &[&str] = &[
    "\\,", "\\thinspace", "\\:", "\\medspace", "\\;", "\\thickspace", "\\quad", "\\qquad", "\\!",
    "\\negthinspace", "\\negmedspace", "\\negthickspace", "\\$", "\\vrule", "\\vcenter", "\\vbox", "\\vskip",
    "\\vspace", "\\hfil",
];

/// Texts that the grammar knows and no answer needs.
#[rustfmt::skip]
pub const RESERVED: &[&str] = &[
    "arsinh", "arcsinh", "arcosh", "arccosh", "artanh", "arctanh", "gcd", "lcm", "floor", "ceil", "eye", "zeros",
    "ones", "cols", "rows", "diag", "norm", "rank", "trace", "tr", "rref", "hstack", "vstack", "orth", "ortho",
    "orthogonal", "orthogonalize", "nullspace", "eig", "eigen", "diagonalize", "eigenvals", "eigenvalues",
    "eigenvects", "eigenvectors", "svd", "SVD", "matrix", "pmatrix", "bmatrix", "vmatrix", "\\lim", "\\int",
    "\\to", "\\rightarrow", "\\Rightarrow", "\\longrightarrow", "\\Longrightarrow", "\\langle", "\\rangle", "\\|",
    "\\choose", "\\partial", "\\phantom", "\\operatorname", "\\leftrightarrow", "\\Leftrightarrow", "\\subseteq",
    "\\supseteq", "\\mathit",
];

/// Functions of one argument.
#[rustfmt::skip]
pub const FUNCTIONS: &[&str] = &[
    "log", "ln", "exp", "sin", "cos", "tan", "csc", "sec", "cot", "arcsin", "arccos", "arctan", "arccsc", "arcsec",
    "arccot", "sinh", "cosh", "tanh", "arsinh", "arcosh", "artanh", "arcsinh", "arccosh", "arctanh", "floor",
    "ceil", "det",
];

/// Commands whose braces hold a name.
#[rustfmt::skip]
pub const ACCENTS: &[&str] = &[
    "acute", "bar", "overline", "breve", "check", "widecheck", "dot", "ddot", "grave", "hat", "tilde", "widetilde",
    "vec", "overrightarrow", "bm", "boldsymbol", "text", "textit", "textbf", "textnormal", "mathbb", "mathbin",
    "mathbf", "mathcal", "mathclap", "mathclose", "mathellipsis", "mathfrak", "mathinner", "mathit", "mathnormal",
    "mathop", "mathopen", "mathord", "mathpunct", "mathrel", "mathring", "mathrlap", "mathrm", "mathscr", "mathsf",
    "mathsterling", "mathtt", "mbox",
];

/// Greek letters as command and as letter.
#[rustfmt::skip]
pub const GREEK: &[(&str, char)] = &[
    ("alpha", 'α'), ("beta", 'β'), ("delta", 'δ'), ("Delta", 'Δ'), ("epsilon", 'ε'), ("varepsilon", 'ϵ'),
    ("zeta", 'ζ'), ("eta", 'η'), ("theta", 'θ'), ("Theta", 'Θ'), ("vartheta", 'ϑ'), ("iota", 'ι'), ("kappa", 'κ'),
    ("lambda", 'λ'), ("Lambda", 'Λ'), ("mu", 'μ'), ("nu", 'ν'), ("xi", 'ξ'), ("Xi", 'Ξ'), ("omicron", 'ο'),
    ("pi", 'π'), ("Pi", 'Π'), ("varpi", 'ϖ'), ("rho", 'ρ'), ("varrho", 'ϱ'), ("sigma", 'σ'), ("Sigma", 'Σ'),
    ("varsigma", 'ς'), ("tau", 'τ'), ("upsilon", 'υ'), ("Upsilon", 'Υ'), ("phi", 'φ'), ("Phi", 'Φ'),
    ("varphi", 'ϕ'), ("chi", 'χ'), ("psi", 'ψ'), ("Psi", 'Ψ'), ("omega", 'ω'), ("Omega", 'Ω'),
];

/// Other commands that are symbols.
#[rustfmt::skip]
pub const SYMBOLS: &[&str] = &[
    "Bbbk", "wp", "nabla", "bigstar", "angle", "nexists", "diagdown", "measuredangle", "eth", "diagup",
    "sphericalangle", "clubsuit", "varnothing", "Diamond", "complement", "diamondsuit", "imath", "Finv",
    "triangledown", "heartsuit", "jmath", "Game", "triangle", "spadesuit", "ell", "hbar", "vartriangle", "hslash",
    "blacklozenge", "lozenge", "blacksquare", "mho", "blacktriangle", "sharp", "prime", "Im", "flat", "square",
    "backprime", "Re", "natural", "surd", "circledS",
];

/// Texts with a token of their own.
#[rustfmt::skip]
pub fn fixed() -> Vec<(&'static str, Token)> {
    let relation = Token::Relation;
    vec![
        ("+", Token::Plus),
        ("-", Token::Minus), ("−", Token::Minus),
        ("*", Token::Times), ("×", Token::Times), ("⋅", Token::Times), ("∘", Token::Times), ("∙", Token::Times),
        ("∗", Token::Times), ("⋆", Token::Times), ("\\times", Token::Times), ("\\cdot", Token::Times),
        ("/", Token::Divide), ("÷", Token::Divide), ("∕", Token::Divide), ("\\over", Token::Divide),
        ("\\div", Token::Divide), (":", Token::Divide),
        ("\\mod", Token::Modulo),
        ("(", Token::Open('(')), (")", Token::Close('(')), ("\\(", Token::Open('v')), ("\\)", Token::Close('v')),
        ("\\lgroup", Token::Open('g')), ("\\rgroup", Token::Close('g')),
        ("[", Token::Open('[')), ("]", Token::Close('[')),
        ("\\lbrack", Token::Open('b')), ("\\rbrack", Token::Close('b')),
        ("{", Token::OpenBrace), ("}", Token::CloseBrace),
        ("\\{", Token::OpenSet), ("\\}", Token::CloseSet), ("\\lbrace", Token::OpenSet), ("\\rbrace", Token::CloseSet),
        ("|", Token::Bar), ("\\lvert", Token::Bar), ("\\rvert", Token::Bar), ("\\vert", Token::Bar),
        ("\\lfloor", Token::OpenFloor), ("\\rfloor", Token::CloseFloor),
        ("\\llcorner", Token::OpenFloor), ("\\lrcorner", Token::CloseFloor),
        ("\\lceil", Token::OpenCeiling), ("\\rceil", Token::CloseCeiling),
        ("\\ulcorner", Token::OpenCeiling), ("\\urcorner", Token::CloseCeiling),
        ("\\gamma", Token::Gamma), ("\\Gamma", Token::Gamma),
        ("\\gcd", Token::ManyFunction("gcd")), ("\\lcm", Token::ManyFunction("lcm")),
        ("\\max", Token::ManyFunction("max")), ("\\min", Token::ManyFunction("min")),
        ("\\operatorname{gcd}", Token::ManyFunction("gcd")), ("\\operatorname{lcm}", Token::ManyFunction("lcm")),
        ("\\operatorname{floor}", Token::Function("floor")), ("\\operatorname{ceil}", Token::Function("ceil")),
        ("\\operatorname{arsinh}", Token::Function("arsinh")), ("\\operatorname{arcosh}", Token::Function("arcosh")),
        ("\\operatorname{artanh}", Token::Function("artanh")),
        ("\\sqrt", Token::Root),
        ("\\frac", Token::Fraction), ("\\dfrac", Token::Fraction), ("\\tfrac", Token::Fraction),
        ("\\cfrac", Token::Fraction),
        ("\\binom", Token::Binomial), ("\\tbinom", Token::Binomial), ("\\dbinom", Token::Binomial),
        ("\\sum", Token::Series("sum")), ("\\prod", Token::Series("prod")),
        ("\\begin{matrix}", Token::BeginMatrix), ("\\begin{pmatrix}", Token::BeginMatrix),
        ("\\begin{bmatrix}", Token::BeginMatrix),
        ("\\end{matrix}", Token::EndMatrix), ("\\end{pmatrix}", Token::EndMatrix), ("\\end{bmatrix}", Token::EndMatrix),
        ("\\begin{vmatrix}", Token::BeginDeterminant), ("\\end{vmatrix}", Token::EndDeterminant),
        ("&", Token::Column), ("\\\\", Token::Row), ("_", Token::Underscore), ("^", Token::Caret),
        (";", Token::Semicolon), (",", Token::Comma),
        ("\\exponentialE", Token::Euler), ("e", Token::Euler), ("E", Token::CapitalE),
        ("\\infty", Token::Infinity), ("\\$\\infty", Token::Infinity), ("\\infty\\%", Token::Infinity),
        ("\\in", Token::In), ("\\notin", Token::NotIn), ("∉", Token::NotIn),
        ("=", relation(Sign::Equal)), ("==", relation(Sign::Equal)), ("\\equiv", relation(Sign::Equal)),
        ("≡", relation(Sign::Equal)),
        ("~=", relation(Sign::Near)), ("≈", relation(Sign::Near)), ("\\approx", relation(Sign::Near)),
        ("<", relation(Sign::Less)), ("\\lt", relation(Sign::Less)),
        ("\\leq", relation(Sign::AtMost)), ("\\le", relation(Sign::AtMost)), ("\\leqslant", relation(Sign::AtMost)),
        ("≤", relation(Sign::AtMost)), ("<=", relation(Sign::AtMost)),
        (">", relation(Sign::Greater)), ("\\gt", relation(Sign::Greater)),
        ("\\geq", relation(Sign::AtLeast)), ("\\ge", relation(Sign::AtLeast)),
        ("\\geqslant", relation(Sign::AtLeast)), ("≥", relation(Sign::AtLeast)), (">=", relation(Sign::AtLeast)),
        ("!=", relation(Sign::Unequal)), ("!==", relation(Sign::Unequal)), ("\\ne", relation(Sign::Unequal)),
        ("\\neq", relation(Sign::Unequal)), ("≠", relation(Sign::Unequal)),
        ("!", Token::Factorial),
        ("^T", Token::Ignored), ("^{T}", Token::Ignored), ("'", Token::Ignored),
        ("^\\circ", Token::Ignored), ("^\\degree", Token::Ignored), ("^°", Token::Ignored),
        ("^{\\circ}", Token::Ignored), ("^{\\degree}", Token::Ignored), ("^{°}", Token::Ignored),
        ("\\cup", Token::Union), ("∪", Token::Union), ("\\cap", Token::Intersection), ("∩", Token::Intersection),
        ("\\setminus", Token::Without), ("∖", Token::Without),
        ("\\pm", Token::PlusMinus), ("±", Token::PlusMinus), ("\\mp", Token::PlusMinus), ("∓", Token::PlusMinus),
        ("\\mathbb{N}", Token::Set(NamedSet::Naturals)), ("\\mathbb{Z}", Token::Set(NamedSet::Integers)),
        ("\\mathbb{Q}", Token::Set(NamedSet::Rationals)), ("\\mathbb{R}", Token::Set(NamedSet::Reals)),
        ("\\mathbb{C}", Token::Set(NamedSet::Complexes)), ("ℝ", Token::Set(NamedSet::Reals)),
        ("\\emptyset", Token::Empty), ("∅", Token::Empty), ("\\{\\}", Token::Empty), ("\\lbrace\\rbrace", Token::Empty),
    ]
}
