//! Decides whether two photos are the same picture: registered on each other, they agree wherever
//! they have structure.

use crate::fingerprint::{Fingerprint, correlations};
use crate::registration::{Ground, Warp};
use crate::structure::{SIDE, WINDOW, dot, has_corner, windows};

/// Windows with fine detail, of 225, that a photo needs for a claim. With fewer, different pictures
/// agree by chance.
pub const MIN_DETAIL: usize = 32;
/// Windows agree when their grey values correlate by at least this.
const AGREES: f32 = 0.8;
/// Windows that correlate less show different things.
const CONTRADICTS: f32 = 0.5;
/// Least mean correlation of the windows with structure, between copies.
pub const MIN_AGREEMENT: f32 = 0.95;
/// Least share of them that agree.
pub const MIN_AGREEING: f32 = 0.90;
/// Largest share of them that may show different things.
pub const MAX_CONTRADICTING: f32 = 0.03;
/// Least correlation of the sketches of copies.
const MIN_SKETCH: f32 = 0.5;
/// Largest difference between the logarithms of the aspect ratios.
const MAX_ASPECT: f32 = 0.15;
/// Least correlation of the unregistered thumbnails of photos that look alike.
pub const MIN_ALIKE: f32 = 0.99;

/// How alike two photos are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Nothing is claimed.
    Different,
    /// They look alike, but show too little to be sure, or differ somewhere.
    Alike,
    /// The same picture.
    Same,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, Default)]
pub struct Comparison {
    /// Windows with fine detail in the photo that has fewer.
    pub detail: usize,
    /// Windows with structure after registration; 0 if it failed.
    pub windows: usize,
    /// Those that agree.
    pub agreeing: usize,
    /// Those that show different things.
    pub contradicting: usize,
    /// Mean correlation of the windows with structure.
    pub agreement: f32,
    /// Correlation of the thumbnails before registration.
    pub correlation: f32,
}

impl Comparison {
    /// The verdict.
    pub fn likeness(&self) -> Likeness {
        let share = |count: usize| count as f32 / self.windows.max(1) as f32;
        let same = self.detail >= MIN_DETAIL
            && self.windows >= MIN_DETAIL
            && self.agreement >= MIN_AGREEMENT
            && share(self.agreeing) >= MIN_AGREEING
            && share(self.contradicting) <= MAX_CONTRADICTING;
        match (same, self.correlation >= MIN_ALIKE) {
            (true, _) => Likeness::Same,
            (false, true) => Likeness::Alike,
            (false, false) => Likeness::Different,
        }
    }
}

/// One photo, prepared for comparison with many.
pub struct Compared<'a> {
    fingerprint: &'a Fingerprint,
    thumbnail: Vec<f32>,
    ground: Ground,
}

impl<'a> Compared<'a> {
    /// Prepares a photo.
    pub fn new(fingerprint: &'a Fingerprint) -> Self {
        let thumbnail = fingerprint.thumbnail(false);
        let ground = pulp::Arch::new().dispatch(|| Ground::new(&thumbnail));
        Self { fingerprint, ground, thumbnail }
    }

    /// Compares another photo, as it is and mirrored, and returns the better match.
    pub fn with(&self, other: &Fingerprint) -> Comparison {
        let mut best = Comparison::default();
        if (self.fingerprint.aspect() - other.aspect()).abs() > MAX_ASPECT {
            return best;
        }
        let coarse = correlations(self.fingerprint.sketch(), other.sketch());
        for (correlation, mirrored) in coarse.into_iter().zip([false, true]) {
            if correlation >= MIN_SKETCH {
                let found = pulp::Arch::new().dispatch(|| self.laid_onto(other, mirrored));
                if (found.likeness(), found.agreeing) >= (best.likeness(), best.agreeing) {
                    best = found;
                }
            }
        }
        best
    }

    #[inline(always)]
    fn laid_onto(&self, other: &Fingerprint, mirrored: bool) -> Comparison {
        let thumbnail = other.thumbnail(mirrored);
        let mut found = Comparison {
            detail: self.fingerprint.detail().min(other.detail()),
            correlation: correlation(&self.thumbnail, &thumbnail),
            ..Comparison::default()
        };
        if found.detail < MIN_DETAIL {
            return found;
        }
        if let Some(warp) = self.ground.register(&thumbnail) {
            self.count(&thumbnail, &warp, &mut found);
        }
        found
    }

    #[inline(always)]
    fn count(&self, other: &[f32], warp: &Warp, found: &mut Comparison) {
        let (laid, [columns, rows]) = warp.apply(other, SIDE);
        let has_structure: Vec<bool> = has_corner(&self.thumbnail)
            .into_iter()
            .zip(has_corner(&laid))
            .map(|(own, others)| own || others)
            .collect();
        for ((left, top), has_structure) in windows().zip(has_structure) {
            let (across, down) = (left..left + WINDOW, top..top + WINDOW);
            if !has_structure
                || ![&columns[across.clone()], &rows[down.clone()]]
                    .into_iter()
                    .flatten()
                    .all(|&i| i)
            {
                continue;
            }
            let [mut a, mut b] = [Vec::new(), Vec::new()];
            for y in down {
                let row = y * SIDE + across.start..y * SIDE + across.end;
                a.extend_from_slice(&self.thumbnail[row.clone()]);
                b.extend_from_slice(&laid[row]);
            }
            let correlation = correlation(&a, &b);
            found.windows += 1;
            found.agreement += (correlation - found.agreement) / found.windows as f32;
            found.agreeing += usize::from(correlation >= AGREES);
            found.contradicting += usize::from(correlation < CONTRADICTS);
        }
    }
}

/// Computes Pearson's coefficient, with one grey level of noise in either picture.
#[inline(always)]
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len() as f32;
    let centred = |values: &[f32]| -> Vec<f32> {
        let mean = values.iter().sum::<f32>() / n;
        values.iter().map(|value| value - mean).collect()
    };
    let (a, b) = (centred(a), centred(b));
    dot(&a, &b) / ((dot(&a, &a) + n) * (dot(&b, &b) + n)).sqrt()
}
