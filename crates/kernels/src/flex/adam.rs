//! One step of Adam, in place if no other tensor shares the memory.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::nhwc;
use super::owned::owned;
use super::simd::vectorised;
use crate::types::AdamStep;

pub fn step(
    weight: FlexTensor,
    first: FlexTensor,
    second: FlexTensor,
    gradient: FlexTensor,
    step: AdamStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let AdamStep { beta1, beta2, eps, step, learning_rate, l2, shrink } = step;
    let t = step as i32;
    let (b1, c1) = (beta1 as f32, (1.0 - beta1) as f32);
    let (b2, c2) = (beta2 as f32, (1.0 - beta2) as f32);
    let correction = (1.0 - beta2.powi(t)).sqrt() as f32;
    let rate = (learning_rate / (1.0 - beta1.powi(t))) as f32;
    let (eps, l2, shrink) = (eps as f32, l2 as f32, shrink as f32);

    let [mut weight, mut first, mut second] = [weight, first, second].map(owned);
    let gradient = nhwc::values(&gradient);
    const CHUNK: usize = 1 << 14;
    let moments = first
        .storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .zip(second.storage_mut::<f32>().par_chunks_mut(CHUNK));
    weight
        .storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .zip(moments)
        .zip(gradient.par_chunks(CHUNK))
        .for_each(|((w, (m, v)), g)| {
            vectorised(
                #[inline(always)]
                || {
                    for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
                        let g = g + l2 * *w;
                        *m = *m * b1 + g * c1;
                        *v = *v * b2 + g * g * c2;
                        *w = *w * shrink - *m / (v.sqrt() / correction + eps) * rate;
                    }
                },
            );
        });
    drop(gradient);
    (weight, first, second)
}
