//! Adds up, broadcasts and gathers over the processes of a launcher, and prints what a run over
//! another library or with other processes must repeat.
//!
//! ```sh
//! mpirun -n 2 target/release/examples/ranks            # 3,000,001 values
//! mpirun -n 2 target/release/examples/ranks 25557032   # as many as ResNet-50 has
//! ```

use std::time::Instant;
use std::{env, process};

use kennel_ranks::{Ranks, RanksError, TreeSum};

/// Blocks in all, dealt to the ranks.
const BLOCKS: usize = 4;

/// Repetitions, of which the fastest is printed.
const TIMES: usize = 5;

fn main() {
    let values = env::args().nth(1).map_or(3_000_001, |values| values.parse().expect("a number"));
    let ranks = Ranks::join(|name| env::var(name).ok()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        process::exit(1)
    });
    if let Err(error) = repeatable(&ranks, values) {
        eprintln!("error: {error}");
        ranks.abort(1);
    }
}

fn repeatable(ranks: &Ranks, length: usize) -> Result<(), RanksError> {
    let (rank, size) = (ranks.rank(), ranks.size());
    let blocks_each = (BLOCKS / size).max(1);
    let mut own = TreeSum::default();
    for block in rank * blocks_each..(rank + 1) * blocks_each {
        own.push((0..length).map(|index| value(block, index)).collect());
    }
    let own = own.finish().expect("there are blocks");

    let mut sum = Vec::new();
    let mut fastest_s = f64::INFINITY;
    for _ in 0..TIMES {
        sum.clone_from(&own);
        ranks.barrier()?;
        let start = Instant::now();
        ranks.sum(&mut sum)?;
        fastest_s = fastest_s.min(start.elapsed().as_secs_f64());
    }

    // Of no use to a rank but the first, and of other lengths there.
    let mut bytes: Vec<u8> = match rank {
        0 => sum.iter().flat_map(|value| value.to_le_bytes()).collect(),
        rank => vec![7; 1000 * rank],
    };
    ranks.broadcast(&mut bytes)?;
    let is_sum = bytes.chunks(4).zip(&sum).all(|(bytes, value)| bytes == value.to_le_bytes());
    assert!(is_sum && bytes.len() == 4 * sum.len(), "rank 0 sent the sum");
    let mut nothing = vec![rank as u8; rank];
    ranks.broadcast(&mut nothing)?;
    assert!(nothing.is_empty(), "rank 0 sent nothing");

    let text = |rank: usize| vec![rank as u8; 100_000 * (rank % 3)];
    let texts = ranks.gather(&text(rank))?;
    assert_eq!(texts, (0..size).map(text).collect::<Vec<_>>());

    // Fewer values than ranks, and none.
    let mut one = [1.0];
    ranks.sum(&mut one)?;
    assert_eq!(one, [size as f32]);
    ranks.sum(&mut [])?;

    let library = ranks.library().unwrap_or_else(|| "alone".into());
    let hash = hash(&sum);
    println!("{rank} of {size} | {hash:016x} | {fastest_s:.4} s | {library}");
    Ok(())
}

/// Values whose sizes differ up to 2^15 times, so that a sum's bits tell its order.
fn value(block: usize, index: usize) -> f32 {
    let mut state = ((block as u64) << 40 | index as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2 {
        state ^= state >> 30;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    state ^= state >> 31;
    let size = 2f32.powi((state >> 60) as i32 - 8);
    ((state & 0xff_ffff) as f32 / 8_388_608.0 - 1.0) * size
}

/// FNV-1a over the values' bits.
fn hash(values: &[f32]) -> u64 {
    values.iter().flat_map(|value| value.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
