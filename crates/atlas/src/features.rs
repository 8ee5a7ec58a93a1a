//! Features of photos, compared by the angle between them.

/// Partial sums of a product: the compiler keeps them in vector registers.
const LANES: usize = 16;
/// Products of this many features are summed in f32, their sums in f64.
const BLOCK: usize = 128;

/// Features of photos, such as the input of a network's classifier.
#[derive(Clone, Copy, Debug)]
pub struct Features<'a> {
    /// `[photos, width]`, row by row.
    pub values: &'a [f32],
    /// Features of a photo.
    pub width: usize,
}

/// Features of photos, each row scaled to length 1. A row of zeros stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitRows {
    values: Vec<f32>,
    width: usize,
}

impl UnitRows {
    /// Scales the rows.
    pub fn of(Features { values, width }: Features) -> Self {
        let mut unit = Vec::with_capacity(values.len());
        for row in values.chunks_exact(width) {
            let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
            let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
            unit.extend(row.iter().map(|&value| (f64::from(value) * scale) as f32));
        }
        Self { values: unit, width }
    }

    /// The rows, in their order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.width)
    }
}

/// Computes the cosine of the angle between two rows of length 1, in [-1, 1] up to rounding. It is
/// 0 for a row of zeros.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.chunks(BLOCK).zip(b.chunks(BLOCK)).map(|(a, b)| f64::from(dot_block(a, b))).sum()
}

fn dot_block(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}
