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
    ) {
        let mut bytes = file();
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
