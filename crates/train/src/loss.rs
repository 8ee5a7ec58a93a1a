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
        self.forward_mixed(logits, labels, 1.0)
    }

    /// Returns the mean loss of a batch that was mixed with its own flip ([`crate::Mix`]): `share`
    /// times the loss with every photo's own label, and the rest with the label of its partner.
    /// Without class weights that is timm's `SoftTargetCrossEntropy`.
    ///
    /// # Shapes
    ///
    /// As [`CrossEntropy::forward`].
    pub fn forward_mixed(&self, logits: Tensor<2>, labels: &[usize], share: f64) -> Tensor<1> {
        let [batch, classes] = logits.dims();
        // The partners are the same photos, so their weights have the same sum.
        let total: f64 = labels.iter().map(|&label| self.weights[label]).sum();
        let targets = Tensor::from_data(
            TensorData::new(self.targets(labels, share), [batch, classes]),
            &logits.device().without_autodiff(),
        );
        (activation::log_softmax(logits, 1) * targets).sum() / -total
    }

    /// Returns the labels of a mixed batch as smoothed shares of the classes, times the weights of
    /// the classes. Without weights that is timm's `mixup_target`.
    ///
    /// # Shapes
    ///
    /// `batch` class indices to `[batch, classes]`, flat.
    pub fn targets(&self, labels: &[usize], share: f64) -> Vec<f32> {
        let classes = self.weights.len();
        let spread = self.smoothing / classes as f64;
        let smoothed = |class: usize, label: usize| {
            let certain = if class == label { 1.0 - self.smoothing } else { 0.0 };
            certain + spread
        };
        let mut targets = Vec::with_capacity(labels.len() * classes);
        for (&own, &partner) in labels.iter().zip(labels.iter().rev()) {
            targets.extend((0..classes).map(|class| {
                let mixed = share * smoothed(class, own) + (1.0 - share) * smoothed(class, partner);
                (self.weights[class] * mixed) as f32
            }));
        }
        targets
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
    fn the_loss_of_mixed_labels_is_the_mean_of_the_losses_of_both_labels() {
        let logits = || {
            Tensor::<2>::from_floats(
                [[1.0, -0.5, 0.2], [0.1, 0.9, -2.0], [0.4, 0.0, 3.0]],
                &Device::flex(),
            )
        };
        let (labels, partners, share) = ([0, 2, 1], [1, 2, 0], 0.3);
        for weights in [vec![1.0; 3], vec![0.5, 2.0, 1.25]] {
            let loss = CrossEntropy::new(0.1, weights);
            let value = |loss: Tensor<1>| f64::from(loss.into_scalar::<f32>());
            let [own, other] = [labels, partners].map(|of| value(loss.forward(logits(), &of)));
            let mixed = value(loss.forward_mixed(logits(), &labels, share));
            assert!((mixed - (share * own + (1.0 - share) * other)).abs() < 1e-6, "{mixed}");
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
