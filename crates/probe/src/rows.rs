//! The rows that train one head.

use crate::photos::Photos;

/// Rows of the photos that train a head, with the classes that are among them.
pub(crate) struct Rows<'a> {
    pub rows: Vec<Row<'a>>,
    /// The classes that have rows, ascending. A row's class is an index into this list.
    pub present: Vec<usize>,
    /// Number of photos.
    pub photos: usize,
}

/// A row of features.
pub(crate) struct Row<'a> {
    /// `[width]`.
    pub features: &'a [f32],
    /// Index into [`Rows::present`].
    pub class: usize,
    /// Share of all weights; the shares of all rows sum to 1.
    pub share: f64,
}

impl<'a> Rows<'a> {
    pub fn new(photos: &Photos<'a>, chosen: &[usize]) -> Self {
        let mut slots = vec![usize::MAX; photos.classes];
        for &photo in chosen {
            slots[photos.labels[photo]] = 0;
        }
        let present: Vec<usize> = (0..photos.classes).filter(|&class| slots[class] == 0).collect();
        for (slot, &class) in present.iter().enumerate() {
            slots[class] = slot;
        }
        let total: f64 = chosen.iter().map(|&photo| photos.weights[photo]).sum();
        let mut rows = Vec::new();
        for &photo in chosen {
            let class = slots[photos.labels[photo]];
            let share = photos.weights[photo] / total / photos.rows_of(photo).count() as f64;
            rows.extend(photos.rows_of(photo).map(|features| Row { features, class, share }));
        }
        Rows { rows, present, photos: chosen.len() }
    }
}
