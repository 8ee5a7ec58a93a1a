//! Cuts each batch into shards and adds up their results.
//!
//! A shard has its own forward and backward pass, and its own BatchNorm statistics, as a process of
//! PyTorch's `DistributedDataParallel` has. Results are added in a binary tree over the numbers of
//! the shards, so a run ends the same with 1, 2 or as many processes as shards.

mod row;

use std::ops::Range;
use std::sync::Arc;

use kennel_core::{PredictionRecord, Settings, Shard};
use kennel_data::DatasetPhoto;
use kennel_ranks::{Ranks, TreeSum};

pub use self::row::{RowLayout, StepResult};
use crate::{Result, TrainError};

/// The shards of a run, and those of this process.
#[derive(Clone, Debug)]
pub struct Shards {
    /// Shards of a batch, a power of two.
    count: usize,
    batch_size: usize,
    /// Photos of a shard.
    size: usize,
    ranks: Arc<Ranks>,
}

impl Shards {
    /// The shards of a run with these settings, for these processes.
    ///
    /// # Errors
    ///
    /// [`TrainError::FewShards`] when there are more processes than shards.
    pub fn new(settings: &Settings, ranks: Arc<Ranks>) -> Result<Self> {
        let (count, processes) = (settings.shards, ranks.size());
        if processes > count {
            return Err(TrainError::FewShards { processes, shards: count });
        }
        let (batch_size, size) = (settings.batch_size, settings.shard_size());
        Ok(Self { count, batch_size, size, ranks })
    }

    /// Whether every step is one pass over the whole batch.
    pub fn are_one(&self) -> bool {
        self.count == 1
    }

    /// The processes.
    pub fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// Photos of a shard, but for the last ones of an epoch.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Numbers of the shards of this process.
    pub fn own(&self) -> Range<usize> {
        let each = self.count / self.ranks.size();
        let first = each * self.ranks.rank();
        first..first + each
    }

    /// The places in a batch of `photos` photos that belong to a shard.
    pub fn places(&self, shard: usize, photos: usize) -> Range<usize> {
        let size = self.size();
        (shard * size).min(photos)..((shard + 1) * size).min(photos)
    }

    /// Returns the photos of an epoch that this process shows, in the order in which it shows them:
    /// in chunks of [`Shards::size`], each is a shard.
    pub fn of_epoch(&self, order: &[usize]) -> Vec<usize> {
        let batches = order.chunks(self.batch_size);
        let own = self.own();
        let of_batch = |batch: &[usize]| {
            let first = self.places(own.start, batch.len()).start;
            let end = self.places(own.end - 1, batch.len()).end;
            batch[first..end].to_vec()
        };
        batches.flat_map(of_batch).collect()
    }

    /// Adds up the rows of this process's shards, then those of all processes. All rows have one
    /// length.
    ///
    /// # Errors
    ///
    /// Those of `row_of`, and of the exchange.
    pub fn sum(&self, mut row_of: impl FnMut(usize) -> Result<Vec<f32>>) -> Result<Vec<f32>> {
        let mut own = TreeSum::default();
        for shard in self.own() {
            own.push(row_of(shard)?);
        }
        let mut sum = own.finish().expect("every process has shards");
        self.ranks.sum(&mut sum)?;
        Ok(sum)
    }

    /// The photos of a split, in a row, that this process predicts.
    pub fn predicted(&self, photos: usize) -> Range<usize> {
        let share = Shard::new(self.ranks.rank(), self.ranks.size());
        share.expect("a rank is below the number of ranks").range(photos)
    }

    /// Gathers the predictions of all processes. `own` are those of [`Shards::predicted`].
    ///
    /// # Errors
    ///
    /// Those of the exchange.
    pub fn gather(
        &self,
        own: Vec<PredictionRecord>,
        photos: &[DatasetPhoto],
        class_names: &[String],
    ) -> Result<Vec<PredictionRecord>> {
        if self.ranks.size() == 1 {
            return Ok(own);
        }
        let logits = own.iter().flat_map(|record| &record.logits);
        let bytes: Vec<u8> = logits.flat_map(|logit| logit.to_le_bytes()).collect();
        let bytes = self.ranks.gather(&bytes)?.concat();
        let rows = bytes.chunks_exact(size_of::<f32>() * class_names.len());
        let record = |(photo, row): (&DatasetPhoto, &[u8])| PredictionRecord {
            path: photo.path.clone(),
            label: class_names[photo.class_index].clone(),
            logits: row.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        };
        Ok(photos.iter().zip(rows).map(record).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(count: usize, batch_size: usize) -> Shards {
        let ranks = Arc::new(Ranks::alone());
        Shards { count, batch_size, size: batch_size / count, ranks }
    }

    #[test]
    fn shards_of_a_batch_are_the_batch_and_the_last_ones_may_be_empty() {
        let shards = shards(4, 32);
        let places = |photos| (0..4).map(|shard| shards.places(shard, photos)).collect::<Vec<_>>();
        assert_eq!(places(32), [0..8, 8..16, 16..24, 24..32]);
        assert_eq!(places(11), [0..8, 8..11, 11..11, 11..11]);
        let order: Vec<usize> = (0..75).rev().collect();
        assert_eq!(shards.of_epoch(&order), order);
    }

    #[test]
    fn rows_of_shards_are_added_in_pairs() {
        let values = [1.0f32, 1e8, -1e8, 1.0];
        let sum = shards(4, 8).sum(|shard| Ok(vec![values[shard], shard as f32])).unwrap();
        assert_eq!(sum, [(values[0] + values[1]) + (values[2] + values[3]), 6.0]);
    }
}
