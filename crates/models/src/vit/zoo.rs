//! The family in the zoo.

use super::{VisionTransformer, VitConfig};
use crate::architecture::{Architecture, Constructor, HeadDraw};

const TINY: VitConfig = VitConfig::published(192, 3);
const SMALL: VitConfig = VitConfig::published(384, 6);
const BASE: VitConfig = VitConfig::published(768, 12);

/// Returns the family's architectures. `tests/zoo.rs` checks parameters and multiply-accumulates
/// against timm 1.0.31 and PyTorch's flop counter.
pub fn architectures() -> Vec<Architecture> {
    let deit3 = VitConfig { is_class_embedded: false, layer_scale: Some(1e-6), ..SMALL };
    let clip = VitConfig { is_pre_normalised: true, eps: 1e-5, ..BASE };
    let test = VitConfig { grid: 10, width: 64, depth: 6, heads: 2, mlp_ratio: 3, ..TINY };
    let vits = Architecture::grouped(
        "Vision Transformer",
        "large pretrained trunks",
        [
            vit("vit_tiny_patch16_224", TINY, 5_717_416, 1_253_683_200),
            vit("vit_small_patch16_224", SMALL, 22_050_664, 4_598_882_304),
            vit(
                "vit_small_patch16_384",
                VitConfig { grid: 24, ..SMALL },
                22_196_584,
                15_490_351_104,
            ),
            vit("vit_base_patch16_224", BASE, 86_567_656, 17_563_828_224),
            vit("deit3_small_patch16_224", deit3, 22_059_496, 4_598_882_304),
            vit("vit_base_patch16_clip_224", clip, 86_568_424, 17_563_828_224),
        ],
    );
    let dinos = Architecture::grouped(
        "DINOv2",
        "frozen, with few photos",
        [
            vit("vit_small_patch14_dinov2", dinov2(SMALL), 22_441_192, 46_697_123_328),
            vit(
                "vit_small_patch14_reg4_dinov2",
                with_registers(dinov2(SMALL)),
                22_442_344,
                46_883_212_800,
            ),
            vit("vit_base_patch14_dinov2", dinov2(BASE), 87_348_712, 151_574_486_016),
            vit(
                "vit_base_patch14_reg4_dinov2",
                with_registers(dinov2(BASE)),
                87_351_016,
                152_116_534_272,
            ),
        ],
    );
    let miniatures = Architecture::grouped(
        "miniatures",
        "trying things out",
        [Architecture { is_miniature: true, ..vit("test_vit", test, 371_240, 37_635_328) }],
    );
    vits.chain(dinos).chain(miniatures).collect()
}

fn dinov2(config: VitConfig) -> VitConfig {
    VitConfig { patch_px: 14, grid: 37, layer_scale: Some(1e-5), ..config }
}

fn with_registers(config: VitConfig) -> VitConfig {
    VitConfig { registers: 4, is_class_embedded: false, ..config }
}

fn vit(name: &'static str, config: VitConfig, parameters: u64, macs: u64) -> Architecture {
    Architecture {
        name,
        group: "",
        good_for: "",
        head: "head",
        first_conv: "patch_embed.proj",
        global_pool: "token",
        timm_head: HeadDraw::Narrow { deviation: 0.02 },
        side_px: (config.grid * config.patch_px) as u32,
        side_step_px: config.patch_px as u32,
        test_side_px: 3 * config.patch_px as u32,
        micro_batch: 4,
        is_miniature: false,
        parameters,
        macs,
        constructor: Constructor::new(move |classes, rates, device| {
            VisionTransformer::new(config, classes, rates, device)
        }),
    }
}
