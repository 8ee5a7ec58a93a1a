//! The result of a step as one row of numbers, which can be added up.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_models::{StateDict, TensorValue};

use crate::NamedGradients;

/// The result of a step: of a shard, or of the whole batch.
#[derive(Clone, Debug, Default)]
pub struct StepResult {
    /// Gradients of the trained tensors.
    pub gradients: NamedGradients,
    /// Running statistics of BatchNorm after the shard.
    pub statistics: StateDict,
    /// The loss, in nats.
    pub loss: f32,
    /// Photos with the right answer.
    pub correct: usize,
    /// Whether the caller of this process asked to stop.
    pub is_stopped: bool,
}

/// What lies where in a row.
#[derive(Clone, Debug)]
pub struct RowLayout {
    gradients: BTreeMap<String, usize>,
    /// Values before the first step.
    statistics: StateDict,
}

/// Numbers at the end of a row: loss, right answers, stops.
const FACTS: usize = 3;

impl RowLayout {
    /// The rows of a network with these trainable tensors and running statistics.
    pub fn new(gradients: BTreeMap<String, usize>, statistics: StateDict) -> Self {
        Self { gradients, statistics }
    }

    fn len(&self) -> usize {
        let statistics = self.statistics.values().map(|value| value.data.len()).sum::<usize>();
        self.gradients.values().sum::<usize>() + statistics + FACTS
    }

    /// Packs the row of a shard without photos.
    pub fn pack_empty(&self, is_stopped: bool) -> Vec<f32> {
        let mut row = vec![0.0; self.len()];
        row[self.len() - 1] = f32::from(u8::from(is_stopped));
        row
    }

    /// Packs a shard's result into a row. Scales gradients and loss by `of_loss`, its share of the
    /// batch's class weights, and running statistics by `of_photos`, its share of the photos.
    pub fn pack(&self, result: StepResult, of_loss: f32, of_photos: f32) -> Vec<f32> {
        let mut row = Vec::with_capacity(self.len());
        let StepResult { mut gradients, statistics, loss, correct, is_stopped } = result;
        for (name, &size) in &self.gradients {
            match gradients.remove(name) {
                Some(gradient) => {
                    let values = gradient.into_data().try_into_vec::<f32>();
                    let values = values.expect("gradients are f32");
                    row.extend(values.iter().map(|value| value * of_loss));
                }
                // No photo of the shard passed through it.
                None => row.resize(row.len() + size, 0.0),
            }
        }
        for name in self.statistics.keys() {
            row.extend(statistics[name].data.iter().map(|value| value * of_photos));
        }
        row.extend([loss * of_loss, correct as f32, f32::from(u8::from(is_stopped))]);
        row
    }

    /// Unpacks the sum of all shards' rows: the result of the batch.
    pub fn unpack(&self, row: &[f32], device: &Device) -> StepResult {
        let mut left = row;
        let mut take = |count: usize| {
            let (taken, rest) = left.split_at(count);
            left = rest;
            taken
        };
        let mut gradients = NamedGradients::new();
        for (name, &size) in &self.gradients {
            let data = TensorData::new(take(size).to_vec(), [size]);
            gradients.insert(name.clone(), Tensor::from_data(data, device));
        }
        let mut statistics = StateDict::new();
        for (name, TensorValue { shape, data }) in &self.statistics {
            let value = TensorValue { shape: shape.clone(), data: take(data.len()).to_vec() };
            statistics.insert(name.clone(), value);
        }
        let facts = take(FACTS);
        let (loss, correct, is_stopped) = (facts[0], facts[1] as usize, facts[2] > 0.0);
        StepResult { gradients, statistics, loss, correct, is_stopped }
    }
}
