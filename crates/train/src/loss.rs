//! Cross-entropy with label smoothing and class weights, as `torch.nn.functional.cross_entropy`.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData, activation};
use kennel_core::{ClassWeights, Hint};

use crate::{Result, TrainError};

/// The loss of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    smoothing: f64,
    weights: Vec<f64>,
}

impl CrossEntropy {
    /// Makes a loss; `weights` holds one factor per class.
    pub fn new(smoothing: f64, weights: Vec<f64>) -> Self {
        Self { smoothing, weights }
    }

    /// Returns the mean loss of a batch, in nats per image, weighted by the classes of its photos.
    ///
    /// # Shapes
    ///
    /// - `logits`: `[batch, classes]`
    /// - `labels`: `batch` class indices
    /// - result: one value
    pub fn forward(&self, logits: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        let spread = self.smoothing / classes as f64;
        let mut targets = Vec::with_capacity(batch * classes);
        for &label in labels {
            targets.extend((0..classes).map(|class| {
                let certain = if class == label { 1.0 - self.smoothing } else { 0.0 };
                (self.weights[class] * (certain + spread)) as f32
            }));
        }
        let total: f64 = labels.iter().map(|&label| self.weights[label]).sum();
        let targets = Tensor::from_data(
            TensorData::new(targets, [batch, classes]),
            &logits.device().without_autodiff(),
        );
        (activation::log_softmax(logits, 1) * targets).sum() / -total
    }
}

/// Returns one factor per class, in the order of `class_names`. `counts` holds the number of
/// training photos of each.
///
/// # Errors
///
/// [`TrainError::ClassWeights`] when a name is not a class, a class has no weight, or a weight is
/// not positive.
pub fn class_weights(
    config: &ClassWeights,
    class_names: &[String],
    counts: &[usize],
) -> Result<Vec<f64>> {
    match config {
        ClassWeights::None => Ok(vec![1.0; class_names.len()]),
        ClassWeights::Balanced => {
            let photos: usize = counts.iter().sum();
            Ok(counts.iter().map(|&n| photos as f64 / (counts.len() * n.max(1)) as f64).collect())
        }
        ClassWeights::Given(given) => given_weights(given, class_names),
    }
}

fn given_weights(given: &BTreeMap<String, f64>, class_names: &[String]) -> Result<Vec<f64>> {
    let wrong = |reason: String, hint: Option<Hint>| TrainError::ClassWeights {
        reason,
        hint: hint.map(Box::new),
    };
    let given: BTreeMap<String, f64> =
        given.iter().map(|(name, weight)| (kennel_core::composed(name), *weight)).collect();
    if let Some(name) = given.keys().find(|name| !class_names.contains(name)) {
        let nearest = kennel_core::did_you_mean(name, class_names.iter().map(String::as_str));
        let hint = nearest.map(|name| Hint::DidYouMean(name.into()));
        return Err(wrong(format!("`{name}` is none of the classes"), hint));
    }
    class_names
        .iter()
        .map(|name| match given.get(name) {
            Some(weight) if *weight > 0.0 && weight.is_finite() => Ok(*weight),
            Some(weight) => Err(wrong(
                format!("the weight of `{name}` is {weight}, expected a positive number"),
                None,
            )),
            None => Err(wrong(format!("`{name}` has no weight"), Some(Hint::WeightPerClass))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use kennel_core::Hinted;

    use super::*;
    use crate::fixtures::{formula, read_safetensors};

    #[test]
    fn values_and_gradients_are_those_of_torch() {
        let expected = read_safetensors("losses/expected.safetensors");
        let weights: Vec<f64> =
            expected["class_weights"].data.iter().map(|w| f64::from(*w)).collect();
        let labels: Vec<usize> =
            expected["labels"].data.iter().map(|label| *label as usize).collect();
        let logits = &expected["logits"];
        let _ = formula::tensor;
        for (case, smoothing, weights) in [
            ("plain", 0.0, vec![1.0; 5]),
            ("smoothed", 0.1, vec![1.0; 5]),
            ("weighted", 0.0, weights.clone()),
            ("weighted_smoothed", 0.1, weights.clone()),
        ] {
            let data = TensorData::new(logits.data.clone(), [6, 5]);
            let logits = Tensor::<2>::from_data(data, &Device::flex()).autodiff().require_grad();
            let loss = CrossEntropy::new(smoothing, weights).forward(logits.clone(), &labels);
            let value = loss.clone().into_scalar::<f32>();
            let wanted = expected[&format!("{case}.value")].data[0];
            assert!(
                (value - wanted).abs() <= 1e-6 * wanted.abs(),
                "{case}: {value} against {wanted}"
            );
            let gradient =
                logits.grad(&loss.backward()).unwrap().into_data().try_into_vec::<f32>().unwrap();
            for (a, b) in gradient.iter().zip(&expected[&format!("{case}.gradient")].data) {
                assert!((a - b).abs() <= 1e-7, "{case}: {a} against {b}");
            }
        }
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        let names = ["a", "b", "c"].map(String::from);
        let weights = class_weights(&ClassWeights::Balanced, &names, &[10, 20, 30]).unwrap();
        assert_eq!(weights, [2.0, 1.0, 60.0 / 90.0]);
    }

    #[test]
    fn a_mistyped_class_is_named() {
        let names = ["beagle", "boxer"].map(String::from);
        let given = ClassWeights::Given(BTreeMap::from([("beagel".to_string(), 2.0)]));
        let error = class_weights(&given, &names, &[1, 1]).unwrap_err();
        assert!(error.to_string().contains("`beagel`"), "{error}");
        assert_eq!(error.hints(), [Hint::DidYouMean("beagle".into())]);
    }
}
