//! Matrices: sums, products and determinants written out.

use super::expression::Expression;

/// Parts of all entries together: products and determinants multiply them.
const PARTS_BOUND: usize = 4_000;

/// Rows of a matrix.
pub type Rows = Vec<Vec<Expression>>;

/// Largest matrix whose determinant is written out.
const SIZE_BOUND: usize = 5;

/// Does an expression hold a matrix?
pub fn has_matrix(expression: &Expression) -> bool {
    let mut found = false;
    expression.visit(&mut |part| found |= matches!(part, Expression::Matrix(_)));
    found
}

fn parts(entry: &Expression) -> usize {
    let mut parts = 0;
    entry.visit(&mut |_| parts += 1);
    parts
}

fn small(rows: Rows) -> Option<Rows> {
    (rows.iter().flatten().map(parts).sum::<usize>() <= PARTS_BOUND).then_some(rows)
}

/// The matrix that an expression is, or `None` where it is none, its shapes do not fit, or it is too large.
pub fn as_matrix(expression: &Expression) -> Option<Rows> {
    small(written_out(expression)?)
}

fn written_out(expression: &Expression) -> Option<Rows> {
    match expression {
        Expression::Matrix(rows) => Some(rows.clone()),
        Expression::Sum(terms) => {
            let mut terms = terms.iter().map(as_matrix);
            let mut total = terms.next()??;
            for term in terms {
                let term = term?;
                if term.len() != total.len() || term.first().map(Vec::len) != total.first().map(Vec::len) {
                    return None;
                }
                for (left, right) in total.iter_mut().flatten().zip(term.into_iter().flatten()) {
                    *left = Expression::sum(left.clone(), right);
                }
            }
            Some(total)
        }
        Expression::Product(factors) => {
            let mut scale: Option<Expression> = None;
            let mut total: Option<Rows> = None;
            for factor in factors {
                if has_matrix(factor) {
                    let next = as_matrix(factor)?;
                    total = Some(match total {
                        Some(total) => small(multiply(&total, &next)?)?,
                        None => next,
                    });
                } else {
                    scale = Some(match scale {
                        Some(scale) => Expression::product(scale, factor.clone()),
                        None => factor.clone(),
                    });
                }
            }
            let mut total = total?;
            if let Some(scale) = scale {
                for entry in total.iter_mut().flatten() {
                    *entry = Expression::product(scale.clone(), entry.clone());
                }
            }
            Some(total)
        }
        _ => None,
    }
}

fn multiply(left: &Rows, right: &Rows) -> Option<Rows> {
    let inner = left.first()?.len();
    if inner != right.len() || left.len() * inner > 64 {
        return None;
    }
    let columns = right.first()?.len();
    Some(
        left.iter()
            .map(|row| {
                (0..columns)
                    .map(|column| {
                        let terms = row.iter().zip(right);
                        Expression::Sum(
                            terms.map(|(a, b)| Expression::product(a.clone(), b[column].clone())).collect(),
                        )
                    })
                    .collect()
            })
            .collect(),
    )
}

/// The determinant, expanded by the first row.
pub fn determinant(rows: &Rows) -> Option<Expression> {
    let size = rows.len();
    if size == 0 || size > SIZE_BOUND || rows.iter().any(|row| row.len() != size) {
        return None;
    }
    if size == 1 {
        return Some(rows[0][0].clone());
    }
    let mut terms = Vec::with_capacity(size);
    for column in 0..size {
        let minor: Rows = rows[1..]
            .iter()
            .map(|row| {
                row.iter()
                    .enumerate()
                    .filter(|(index, _)| *index != column)
                    .map(|(_, entry)| entry.clone())
                    .collect()
            })
            .collect();
        let term = Expression::product(rows[0][column].clone(), determinant(&minor)?);
        terms.push(if column % 2 == 1 { term.negative() } else { term });
    }
    let expanded = Expression::Sum(terms);
    (parts(&expanded) <= PARTS_BOUND).then_some(expanded)
}
