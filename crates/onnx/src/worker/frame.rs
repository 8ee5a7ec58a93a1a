//! The frames that parent and child exchange: a header and values.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Limit on the header of a frame; the largest ones hold shapes or the reason of a failure.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Header of a request; the values follow it.
#[derive(Serialize, Deserialize)]
pub struct Request {
    pub input: String,
    pub shape: Vec<usize>,
    pub is_bytes: bool,
    pub outputs: Vec<String>,
}

/// Header of a reply; the values of all outputs follow it, one after the other.
#[derive(Serialize, Deserialize)]
pub enum Reply {
    Opened,
    Ran { shapes: Vec<Vec<usize>>, seconds: f64 },
    Failed { reason: String },
}

/// Writes lengths, header and values. Values have the byte order of the machine: both sides are
/// this program on this machine.
pub fn write_frame(to: &mut impl Write, header: &impl Serialize, values: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    to.write_all(bytemuck::bytes_of(&[header.len() as u64, values.len() as u64]))?;
    to.write_all(&header)?;
    to.write_all(values)?;
    to.flush()
}

/// Reads what [`write_frame`] wrote: header, values and their number of bytes; `None` at the end of
/// the stream.
pub fn read_frame<T: DeserializeOwned>(
    from: &mut impl Read,
    max_values: u64,
) -> io::Result<Option<(T, Vec<f32>, usize)>> {
    let mut lengths = [0_u64; 2];
    match from.read_exact(bytemuck::bytes_of_mut(&mut lengths)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [header_bytes, value_bytes] = lengths;
    if header_bytes > MAX_HEADER_BYTES || value_bytes > max_values {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut header = vec![0; header_bytes as usize];
    from.read_exact(&mut header)?;
    let bytes = value_bytes as usize;
    let mut values = vec![0.0; bytes.div_ceil(size_of::<f32>())];
    from.read_exact(&mut bytemuck::cast_slice_mut(&mut values)[..bytes])?;
    Ok(Some((serde_json::from_slice(&header)?, values, bytes)))
}
