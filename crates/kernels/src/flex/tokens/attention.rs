//! Multi-head self-attention without the matrix of all scores (FlashAttention: Dao et al. 2022,
//! algorithms 1 and 4).
//!
//! A tile is a few queries times a block of keys. The forward pass goes over the blocks with a
//! running maximum and sum per query, and keeps the logarithm of the sum for the backward pass,
//! which computes the probabilities of a tile again. Queries, keys and values are read where the
//! layer before has put them: only keys and values are packed, one photo at a time.

use rayon::prelude::*;

use crate::flex::buffer::Buffer;
use crate::flex::gemm::{Matrix, Panels, product};
use crate::flex::lanes;
use crate::flex::meter::count_multiply_adds;
use crate::flex::nhwc::{ChannelsLast, Dims};
use crate::flex::pointwise::exp;
use crate::flex::simd::vectorised;

/// Queries per tile: two strips of the product's largest tile.
const QUERIES: usize = 24;

/// Queries per task of the forward pass.
const QUERIES_PER_TASK: usize = 4 * QUERIES;

/// Queries per tile of the backward pass, where their number is the depth of two products.
const QUERIES_BACKWARD: usize = 96;

/// Most keys per block, so that the scores of a tile stay in the L1 cache.
const KEYS: usize = 320;

/// Sizes of an attention.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    tokens: usize,
    heads: usize,
    head: usize,
    /// Factor of the scores.
    scale: f32,
    /// Keys per block: blocks of about equal size, of whole panels.
    keys: usize,
}

impl Sizes {
    fn new(qkv: Dims, heads: usize) -> Self {
        let (batch, tokens, channels) = (qkv.batch, qkv.height * qkv.width, qkv.channels);
        assert_eq!(
            channels % (3 * heads),
            0,
            "{channels} channels for q, k and v of {heads} heads"
        );
        let head = channels / (3 * heads);
        let keys = tokens.div_ceil(tokens.div_ceil(KEYS).max(1)).max(1).next_multiple_of(32);
        let scale = (1.0 / (head as f64).sqrt()) as f32;
        Self { batch, tokens, heads, head, scale, keys }
    }

    fn channels(&self) -> usize {
        self.heads * self.head
    }

    /// Values of a token of q, k and v together.
    fn row(&self) -> usize {
        3 * self.channels()
    }

    fn output(&self) -> Dims {
        Dims { batch: self.batch, channels: self.channels(), height: self.tokens, width: 1 }
    }

    fn blocks(&self) -> usize {
        self.tokens.div_ceil(self.keys)
    }

    fn keys_of(&self, block: usize) -> usize {
        self.keys.min(self.tokens - block * self.keys)
    }

    /// Some rows of q (`part` 0), k (1) or v (2) of a head.
    fn part<'a>(
        &self,
        photo: &'a [f32],
        part: usize,
        head: usize,
        first: usize,
        rows: usize,
    ) -> Matrix<'a> {
        let from = first * self.row() + part * self.channels() + head * self.head;
        Matrix::strided(&photo[from..], rows, self.head, self.row())
    }

    /// Some rows of a head of the output or its gradient.
    fn output_part<'a>(
        &self,
        photo: &'a [f32],
        head: usize,
        first: usize,
        rows: usize,
    ) -> Matrix<'a> {
        let from = first * self.channels() + head * self.head;
        Matrix::strided(&photo[from..], rows, self.head, self.channels())
    }

    /// Packs each block of keys of a head, one after the other.
    fn packed(&self, photo: &[f32], part: usize, head: usize, transposed: bool) -> Vec<Panels> {
        (0..self.blocks())
            .map(|block| {
                let first = block * self.keys;
                let rows = self.part(photo, part, head, first, self.keys_of(block));
                Panels::on_this_thread(if transposed { rows.transposed() } else { rows })
            })
            .collect()
    }
}

/// Computes the attention. `qkv`: `[batch, tokens, 3 channels]`. Writes the logarithm of every
/// query's sum of exponentials, `[batch, tokens, heads]`, into `log_sums` if it is there.
pub fn forward(qkv: &ChannelsLast, heads: usize, log_sums: Option<&mut [f32]>) -> ChannelsLast {
    let sizes = &Sizes::new(qkv.dims(), heads);
    count_multiply_adds(2 * sizes.batch * heads * sizes.tokens * sizes.tokens * sizes.head);
    let mut output = Buffer::new(sizes.output().len());
    let mut unused = Buffer::new(if log_sums.is_some() { 0 } else { log_sum_len(qkv, heads) });
    let log_sums = log_sums.unwrap_or(&mut unused);
    let (per_photo, channels) = (sizes.tokens * sizes.channels(), sizes.channels());
    let photos = qkv.values().par_chunks(sizes.tokens * sizes.row());
    let outputs = output.par_chunks_mut(per_photo);
    let log_sums = log_sums.par_chunks_mut(sizes.tokens * heads);
    photos.zip(outputs.zip(log_sums)).for_each(|(photo, (output, log_sums))| {
        let packed: Vec<[Vec<Panels>; 2]> = (0..heads)
            .into_par_iter()
            .map(|head| [sizes.packed(photo, 1, head, true), sizes.packed(photo, 2, head, false)])
            .collect();
        let tasks = output.par_chunks_mut(QUERIES_PER_TASK * channels);
        let tasks = tasks.zip(log_sums.par_chunks_mut(QUERIES_PER_TASK * heads)).enumerate();
        tasks.for_each(|(task, (output, log_sums))| {
            let mut tile = Tile::new(sizes);
            for (head, [keys, values]) in packed.iter().enumerate() {
                for (index, output) in output.chunks_mut(QUERIES * channels).enumerate() {
                    let first = task * QUERIES_PER_TASK + index * QUERIES;
                    let rows = output.len() / channels;
                    let queries = sizes.part(photo, 0, head, first, rows);
                    tile.attend(sizes, queries, rows, keys, values);
                    tile.write(sizes, head, output, &mut log_sums[index * QUERIES * heads..]);
                }
            }
        });
    });
    ChannelsLast::of_values(output, sizes.output())
}

/// Number of logarithms that [`forward`] writes.
pub fn log_sum_len(qkv: &ChannelsLast, heads: usize) -> usize {
    qkv.dims().pixels() * heads
}

/// Some queries of one head, on one thread.
struct Tile {
    scores: Buffer,
    /// Weighted sums of the values, `[queries, head]`.
    sums: Buffer,
    /// Largest score and sum of exponentials of every query so far.
    largest: [f32; QUERIES],
    total: [f32; QUERIES],
}

impl Tile {
    fn new(sizes: &Sizes) -> Self {
        Self {
            scores: Buffer::new(QUERIES * sizes.keys),
            sums: Buffer::new(QUERIES * sizes.head),
            largest: [0.0; QUERIES],
            total: [0.0; QUERIES],
        }
    }

    fn attend(
        &mut self,
        sizes: &Sizes,
        queries: Matrix,
        rows: usize,
        keys: &[Panels],
        values: &[Panels],
    ) {
        self.largest.fill(f32::NEG_INFINITY);
        self.total.fill(0.0);
        let sums = &mut self.sums[..rows * sizes.head];
        for (block, (keys, values)) in keys.iter().zip(values).enumerate() {
            let count = sizes.keys_of(block);
            let scores = &mut self.scores[..rows * count];
            product(scores, queries, keys.packed(), false);
            let (largest, total) = (&mut self.largest, &mut self.total);
            vectorised(
                #[inline(always)]
                || {
                    for (row, scores) in scores.chunks_exact_mut(count).enumerate() {
                        let before = largest[row];
                        let here = lanes::largest(scores) * sizes.scale;
                        let now = if here > before { here } else { before };
                        let sum = lanes::rewrite_and_sum(
                            scores,
                            #[inline(always)]
                            |x| exp(x * sizes.scale - now),
                        );
                        if block > 0 {
                            let shrink = exp(before - now);
                            total[row] *= shrink;
                            for sum in &mut sums[row * sizes.head..][..sizes.head] {
                                *sum *= shrink;
                            }
                        }
                        total[row] += sum;
                        largest[row] = now;
                    }
                },
            );
            product(sums, Matrix::new(scores, rows, count), values.packed(), block > 0);
        }
    }

    /// Writes one head of the output rows, and of the logarithms of their sums.
    fn write(&self, sizes: &Sizes, head: usize, output: &mut [f32], log_sums: &mut [f32]) {
        let rows = output.chunks_exact_mut(sizes.channels());
        for (row, output) in rows.enumerate() {
            let inverse = 1.0 / self.total[row];
            let sums = &self.sums[row * sizes.head..][..sizes.head];
            for (output, sum) in output[head * sizes.head..][..sizes.head].iter_mut().zip(sums) {
                *output = sum * inverse;
            }
            log_sums[row * sizes.heads + head] = self.largest[row] + self.total[row].ln();
        }
    }
}

/// Gradient of `qkv`, from that of the `output`.
pub fn gradient(
    qkv: &ChannelsLast,
    heads: usize,
    output: &ChannelsLast,
    log_sums: &[f32],
    gradient: &ChannelsLast,
) -> ChannelsLast {
    let sizes = &Sizes::new(qkv.dims(), heads);
    count_multiply_adds(4 * sizes.batch * heads * sizes.tokens * sizes.tokens * sizes.head);
    let mut target = Buffer::new(qkv.dims().len());
    let (row, channels, tokens) = (sizes.row(), sizes.channels(), sizes.tokens);
    let photos = qkv.values().par_chunks(tokens * row).zip(log_sums.par_chunks(tokens * heads));
    let outputs = output.values().par_chunks(tokens * channels);
    let outputs = outputs.zip(gradient.values().par_chunks(tokens * channels));
    let targets = target.par_chunks_mut(tokens * row);
    targets.zip(photos.zip(outputs)).for_each(
        |(target, ((photo, log_sums), (output, gradient)))| {
            let of_heads: Vec<[Buffer; 3]> = (0..heads)
                .into_par_iter()
                .map(|head| {
                    HeadGradient { sizes, photo, head, log_sums, output, gradient }.compute()
                })
                .collect();
            target.par_chunks_mut(row * 16).enumerate().for_each(|(chunk, target)| {
                for (index, target) in target.chunks_exact_mut(row).enumerate() {
                    let from = (chunk * 16 + index) * sizes.head;
                    for (head, parts) in of_heads.iter().enumerate() {
                        for (part, values) in parts.iter().enumerate() {
                            target[part * channels + head * sizes.head..][..sizes.head]
                                .copy_from_slice(&values[from..][..sizes.head]);
                        }
                    }
                }
            });
        },
    );
    ChannelsLast::of_values(target, qkv.dims())
}

/// One head of one photo in the backward pass, on one thread.
struct HeadGradient<'a> {
    sizes: &'a Sizes,
    photo: &'a [f32],
    head: usize,
    log_sums: &'a [f32],
    output: &'a [f32],
    gradient: &'a [f32],
}

impl HeadGradient<'_> {
    /// Gradients of queries, keys and values, each `[tokens, head]`.
    fn compute(&self) -> [Buffer; 3] {
        let Self { sizes, photo, head, .. } = *self;
        let keys = sizes.packed(photo, 1, head, false);
        let keys_turned = sizes.packed(photo, 1, head, true);
        let values_turned = sizes.packed(photo, 2, head, true);
        let len = sizes.tokens * sizes.head;
        let [mut of_queries, mut of_keys, mut of_values] = [(); 3].map(|()| Buffer::new(len));
        let tile = QUERIES_BACKWARD.min(sizes.tokens) * sizes.keys;
        let (mut probabilities, mut slopes) = (Buffer::new(tile), Buffer::new(tile));
        for first in (0..sizes.tokens).step_by(QUERIES_BACKWARD) {
            let rows = QUERIES_BACKWARD.min(sizes.tokens - first);
            let queries = sizes.part(photo, 0, head, first, rows);
            let gradient = sizes.output_part(self.gradient, head, first, rows);
            let packed_queries = Panels::on_this_thread(queries);
            let packed_gradient = Panels::on_this_thread(gradient);
            let means = self.means(first, rows);
            let of_queries = &mut of_queries[first * sizes.head..][..rows * sizes.head];
            for block in 0..sizes.blocks() {
                let count = sizes.keys_of(block);
                let probabilities = &mut probabilities[..rows * count];
                let slopes = &mut slopes[..rows * count];
                product(probabilities, queries, keys_turned[block].packed(), false);
                product(slopes, gradient, values_turned[block].packed(), false);
                self.soften(first, count, probabilities, slopes, &means);
                let range = block * sizes.keys * sizes.head..;
                let own = count * sizes.head;
                let probabilities = Matrix::new(probabilities, rows, count).transposed();
                let target = &mut of_values[range.clone()][..own];
                product(target, probabilities, packed_gradient.packed(), first > 0);
                let slopes = Matrix::new(slopes, rows, count);
                let target = &mut of_keys[range][..own];
                product(target, slopes.transposed(), packed_queries.packed(), first > 0);
                product(of_queries, slopes, keys[block].packed(), block > 0);
            }
        }
        [of_queries, of_keys, of_values]
    }

    /// Sum of gradient times output of every query: the mean of the gradients of its probabilities.
    fn means(&self, first: usize, rows: usize) -> [f32; QUERIES_BACKWARD] {
        let (channels, size) = (self.sizes.channels(), self.sizes.head);
        let mut means = [0.0; QUERIES_BACKWARD];
        vectorised(
            #[inline(always)]
            || {
                for (row, mean) in means.iter_mut().enumerate().take(rows) {
                    let from = (first + row) * channels + self.head * size;
                    *mean = lanes::sum_of_two(
                        &self.output[from..from + size],
                        &self.gradient[from..from + size],
                        #[inline(always)]
                        |output, gradient| output * gradient,
                    );
                }
            },
        );
        means
    }

    /// Writes the probabilities of a tile over its scores, and the gradients of the unscaled scores
    /// over those of the probabilities. `count` keys per query.
    fn soften(
        &self,
        first: usize,
        count: usize,
        scores: &mut [f32],
        gradients: &mut [f32],
        means: &[f32],
    ) {
        let Sizes { heads, scale, .. } = *self.sizes;
        vectorised(
            #[inline(always)]
            || {
                let rows = scores.chunks_exact_mut(count).zip(gradients.chunks_exact_mut(count));
                for (row, ((scores, gradients), mean)) in rows.zip(means).enumerate() {
                    let log_sum = self.log_sums[(first + row) * heads + self.head];
                    for (score, gradient) in scores.iter_mut().zip(gradients) {
                        let probability = exp(*score * scale - log_sum);
                        *score = probability;
                        *gradient = probability * (*gradient - mean) * scale;
                    }
                }
            },
        );
    }
}
