//! Weights files with random damage.

use kennel_models::read_checkpoint;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

fn file() -> Vec<u8> {
    let (weights, counter) = ([1.0f32; 12].map(f32::to_le_bytes).concat(), 7i64.to_le_bytes());
    let tensors = [
        ("fc.weight", TensorView::new(Dtype::F32, vec![3, 4], &weights).unwrap()),
        ("bn1.num_batches_tracked", TensorView::new(Dtype::I64, vec![], &counter).unwrap()),
    ];
    safetensors::serialize(tensors, None).unwrap()
}

proptest! {
    #[test]
    fn damage_is_an_error_or_finite_weights(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        no_number in prop::option::of((0usize..12, prop::sample::select(vec![f32::NAN, f32::INFINITY]))),
    ) {
        let mut bytes = file();
        if let Some((at, value)) = no_number {
            // The weights are the last 48 or the 48 before the counter's 8.
            let weights = bytes.windows(48).position(|part| part == [1.0f32; 12].map(f32::to_le_bytes).concat()).unwrap();
            bytes[weights + 4 * at..][..4].copy_from_slice(&value.to_le_bytes());
        }
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(checkpoint) = read_checkpoint(&path) {
            for tensor in checkpoint.tensors.values() {
                prop_assert_eq!(tensor.data.len(), tensor.shape.iter().product::<usize>());
                prop_assert!(tensor.data.iter().all(|x| x.is_finite()));
            }
        }
    }
}
