//! The convex head is fitted to the network as it evaluates, whatever is trained afterwards.

#[path = "common/photos.rs"]
mod photos;

use kennel_core::{HeadFit, Settings, Strategy, Task};
use kennel_infer::Compute;
use kennel_train::{TrainOptions, train};
use photos::{draw_photos, small_config};

#[test]
fn every_strategy_fits_the_head_to_the_same_features() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("photos");
    draw_photos(&data, [8, 4, 2]);
    let options = TrainOptions { skip_test: true, ..TrainOptions::new(Compute::cpu()) };
    let out_of_fold = |strategy: Strategy| {
        let settings = Settings { head: HeadFit::Convex, ..small_config(&data, strategy, 1) };
        let run = train(&settings, &dir.path().join("runs"), &options, Task::unwatched()).unwrap();
        std::fs::read(run.run.out_of_fold()).unwrap()
    };
    let frozen = out_of_fold(Strategy::Freeze);
    for strategy in [Strategy::Partial, Strategy::Full] {
        assert!(out_of_fold(strategy) == frozen, "{strategy}");
    }
}
