//! Mean and covariance of rows that come a few at a time.

use rayon::prelude::*;

/// Sums over rows of features, from which their mean and covariance follow.
///
/// Takes `8 * width * width` bytes, however many rows there are.
#[derive(Clone, Debug)]
pub struct Moments {
    width: usize,
    rows: usize,
    /// Subtracted from every row: the first row. Sums of small numbers lose fewer digits.
    origin: Vec<f64>,
    sum: Vec<f64>,
    /// Products of columns, `[width, width]`.
    products: Vec<f64>,
}

impl Moments {
    /// Begins with no rows of `width` features.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            rows: 0,
            origin: Vec::new(),
            sum: vec![0.0; width],
            products: vec![0.0; width * width],
        }
    }

    /// Adds rows. Many at a time are faster.
    ///
    /// # Shapes
    ///
    /// `rows`: `[n, width]`.
    ///
    /// # Panics
    ///
    /// When `rows` has another width.
    pub fn push(&mut self, rows: &[f32]) {
        let width = self.width;
        assert_eq!(rows.len() % width, 0, "rows of {width} features");
        if self.origin.is_empty() {
            self.origin = rows.iter().take(width).map(|&x| f64::from(x)).collect();
        }
        let shifted: Vec<f64> = rows
            .chunks_exact(width)
            .flat_map(|row| row.iter().zip(&self.origin).map(|(&x, origin)| f64::from(x) - origin))
            .collect();
        for row in shifted.chunks_exact(width) {
            self.rows += 1;
            self.sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        // One thread computes a row of products, so their number does not change a bit.
        self.products.par_chunks_exact_mut(width).enumerate().for_each(|(column, products)| {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for row in shifted.chunks_exact(width) {
                        let x = row[column];
                        products.iter_mut().zip(row).for_each(|(sum, y)| *sum += x * y);
                    }
                },
            );
        });
    }

    /// Begins with no rows, for some of the rows of `self`: see [`Moments::without`].
    pub fn part(&self) -> Self {
        Self { origin: self.origin.clone(), ..Self::new(self.width) }
    }

    /// Returns the moments of the rows that are not in `part`.
    ///
    /// # Panics
    ///
    /// When `part` was not begun by [`Moments::part`], or has more rows.
    pub fn without(&self, part: &Self) -> Self {
        assert_eq!(self.origin, part.origin, "moments around one origin");
        let difference = |all: &[f64], part: &[f64]| {
            all.iter().zip(part).map(|(all, part)| all - part).collect()
        };
        Self {
            width: self.width,
            rows: self.rows.checked_sub(part.rows).expect("a part has no more rows"),
            origin: self.origin.clone(),
            sum: difference(&self.sum, &part.sum),
            products: difference(&self.products, &part.products),
        }
    }

    /// Number of rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Features per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Mean of the rows. `[width]`.
    pub(crate) fn mean(&self) -> Vec<f64> {
        let n = self.rows as f64;
        self.origin.iter().zip(&self.sum).map(|(origin, sum)| origin + sum / n).collect()
    }

    /// Covariance of the rows, divided by their number. `[width, width]`.
    pub(crate) fn covariance(&self) -> Vec<f64> {
        let n = self.rows as f64;
        let mut covariance = self.products.clone();
        for (products, a) in covariance.chunks_exact_mut(self.width).zip(&self.sum) {
            for (product, b) in products.iter_mut().zip(&self.sum) {
                *product = (*product - a * b / n) / n;
            }
        }
        covariance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_give_the_same_moments_in_one_batch_or_in_several() {
        let rows: Vec<f32> = (0..35).map(|i| 100.0 + (i * i % 13) as f32).collect();
        let (mut once, mut often) = (Moments::new(5), Moments::new(5));
        once.push(&rows);
        rows.chunks(10).for_each(|rows| often.push(rows));
        assert_eq!((once.mean(), once.covariance()), (often.mean(), often.covariance()));
        assert_eq!(once.rows(), 7);
        let column = |c: usize| rows.iter().skip(c).step_by(5).map(|&x| f64::from(x));
        let mean = column(2).sum::<f64>() / 7.0;
        let variance = column(2).map(|x| (x - mean).powi(2)).sum::<f64>() / 7.0;
        assert!((once.mean()[2] - mean).abs() < 1e-12);
        assert!((once.covariance()[2 * 5 + 2] - variance).abs() < 1e-10);
    }
    #[test]
    fn rows_that_are_taken_out_again_leave_the_moments_of_the_others() {
        let rows: Vec<f32> = (0..60).map(|i| 100.0 + (i * i % 13) as f32).collect();
        let (some, others) = rows.split_at(20);
        let (mut all, mut expected) = (Moments::new(5), Moments::new(5));
        all.push(&rows);
        let mut part = all.part();
        part.push(some);
        expected.push(others);
        let found = all.without(&part);
        assert_eq!(found.rows(), 8);
        let close = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close(found.mean(), expected.mean()));
        assert!(close(found.covariance(), expected.covariance()));
    }
}
