//! The published figures: the main table of the paper (arXiv 2505.03335) and of its repository's README.
//!
//! A row's averages are kept as printed. They follow from its columns by the paper's rule but for one row
//! (Oat-Zero: the columns give code 45.5, printed is 45.4), and one row has none.

/// A published row.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedRow {
    /// Name of the model.
    pub model: String,
    /// What it was trained from, empty if nothing is said.
    pub base: String,
    /// Curated examples it was trained on, empty if nothing is said.
    pub curated_data: String,
    /// Percent by column.
    pub scores: [f64; 9],
    /// Code, math, total, as printed.
    pub averages: [Option<f64>; 3],
}

impl PublishedRow {
    /// Model and base.
    pub fn name(&self) -> String {
        format!("{} {}", self.model, self.base).trim_end().to_owned()
    }
}

/// All published rows, in the table's order.
pub fn published() -> Vec<PublishedRow> {
    include_str!("published.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |place: usize| fields.get(place).and_then(|field| field.parse().ok());
            PublishedRow {
                model: fields[0].into(),
                base: fields[1].into(),
                curated_data: fields[2].into(),
                scores: std::array::from_fn(|column| number(3 + column).unwrap_or(f64::NAN)),
                averages: std::array::from_fn(|column| number(12 + column)),
            }
        })
        .collect()
}
