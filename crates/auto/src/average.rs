//! Averages of networks' weights.

use kennel_models::{StateDict, TensorValue};

/// Averages the weights of networks: every tensor becomes the sum of theirs, each times its share,
/// statistics of normalisation included. The shares sum to 1. With a share of 1 the average is that
/// network, bit for bit.
///
/// Two networks and one share are a step from one towards the other (Wortsman et al. 2022, "Robust
/// fine-tuning of zero-shot models"); equal shares are a uniform soup (Wortsman et al. 2022, "Model
/// soups").
///
/// # Panics
///
/// Without networks, or when two do not have the same tensors.
pub fn average(networks: &[(&StateDict, f64)]) -> StateDict {
    if let Some((whole, _)) = networks.iter().find(|(_, share)| *share == 1.0) {
        return (*whole).clone();
    }
    let mixed = |(name, first): (&String, &TensorValue)| {
        // Steps away from the first, so that equal networks average to themselves.
        let mut sums: Vec<f64> = first.data.iter().map(|&x| f64::from(x)).collect();
        for (tensors, share) in &networks[1..] {
            let value = &tensors[name];
            assert_eq!(value.shape, first.shape, "{name}");
            for ((sum, &from), &to) in sums.iter_mut().zip(&first.data).zip(&value.data) {
                *sum += share * (f64::from(to) - f64::from(from));
            }
        }
        let data = sums.into_iter().map(|sum| sum as f32).collect();
        (name.clone(), TensorValue { shape: first.shape.clone(), data })
    };
    networks[0].0.iter().map(mixed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> StateDict {
        let value = TensorValue { shape: vec![values.len()], data: values.to_vec() };
        [("w".to_string(), value)].into()
    }

    #[test]
    fn a_share_of_both_ends_is_the_ends() {
        let (base, tuned) = (of(&[1.0, 0.5]), of(&[3.0, -1.5]));
        let at = |share: f64| average(&[(&base, 1.0 - share), (&tuned, share)]);
        assert_eq!(at(0.0), base);
        assert_eq!(at(1.0), tuned);
        assert_eq!(at(0.5)["w"].data, [2.0, -0.5]);
    }

    #[test]
    fn equal_networks_average_to_themselves() {
        let network = of(&[0.1, -1e-20, 3e30, f32::MIN_POSITIVE]);
        let third = (&network, 1.0 / 3.0);
        assert_eq!(average(&[third, third, third]), network);
    }
}
