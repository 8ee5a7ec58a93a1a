//! Averages of two networks' weights.

use kennel_models::{Checkpoint, StateDict, TensorValue};

/// Mixes `tuned` into `base`: every tensor becomes `base + share * (tuned - base)`, statistics of
/// normalisation included (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). With a
/// share of 1 that is `tuned`, bit for bit.
///
/// # Panics
///
/// When the two do not have the same tensors.
pub fn average(base: &Checkpoint, tuned: &Checkpoint, share: f64) -> StateDict {
    if share == 1.0 {
        return tuned.tensors.clone();
    }
    let mixed = |(name, start): (&String, &TensorValue)| {
        let end = &tuned.tensors[name];
        assert_eq!(start.shape, end.shape, "{name}");
        let mix =
            |(&a, &b): (&f32, &f32)| (f64::from(a) + share * (f64::from(b) - f64::from(a))) as f32;
        let data = start.data.iter().zip(&end.data).map(mix).collect();
        (name.clone(), TensorValue { shape: start.shape.clone(), data })
    };
    base.tensors.iter().map(mixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Checkpoint {
        let value = TensorValue { shape: vec![values.len()], data: values.to_vec() };
        Checkpoint { tensors: [("w".to_string(), value)].into(), ..Checkpoint::default() }
    }

    #[test]
    fn a_share_of_both_ends_is_the_ends() {
        let (base, tuned) = (of(&[1.0, 0.5]), of(&[3.0, -1.5]));
        assert_eq!(average(&base, &tuned, 0.0), base.tensors);
        assert_eq!(average(&base, &tuned, 1.0), tuned.tensors);
        assert_eq!(average(&base, &tuned, 0.5)["w"].data, [2.0, -0.5]);
    }
}
