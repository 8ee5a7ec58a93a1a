//! What a shard says of a step, as one row of numbers that can be added.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use kennel_models::{StateDict, TensorValue};

use crate::NamedGradients;

/// What the photos of a shard say, times their share of the batch. The sum over all shards is what
/// the batch says.
#[derive(Clone, Debug, Default)]
pub struct Said {
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

/// Names and sizes of what shards say, in order.
#[derive(Clone, Debug)]
pub struct Form {
    gradients: BTreeMap<String, usize>,
    /// Values before the first step.
    statistics: StateDict,
}

/// Numbers at the end of a row: loss, right answers, stops.
const FACTS: usize = 3;

impl Form {
    /// The form of a network with these trainable tensors and running statistics.
    pub fn new(gradients: BTreeMap<String, usize>, statistics: StateDict) -> Self {
        Self { gradients, statistics }
    }

    fn len(&self) -> usize {
        let statistics = self.statistics.values().map(|value| value.data.len()).sum::<usize>();
        self.gradients.values().sum::<usize>() + statistics + FACTS
    }

    /// The row of a shard without photos.
    pub fn nothing(&self, is_stopped: bool) -> Vec<f32> {
        let mut row = vec![0.0; self.len()];
        row[self.len() - 1] = f32::from(u8::from(is_stopped));
        row
    }

    /// Turns what a shard says into a row. `of_loss` is its share of the batch's loss, `of_photos`
    /// that of its photos.
    pub fn row(&self, said: Said, of_loss: f32, of_photos: f32) -> Vec<f32> {
        let mut row = Vec::with_capacity(self.len());
        let Said { mut gradients, statistics, loss, correct, is_stopped } = said;
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

    /// Turns a sum of rows back into what the batch says.
    pub fn said(&self, row: &[f32], device: &Device) -> Said {
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
        Said { gradients, statistics, loss, correct, is_stopped }
    }
}
