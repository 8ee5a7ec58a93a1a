//! The frame of a message. Source: TensorBoard 2.21, `summary/writer/record_writer.py`.

/// Encodes one TFRecord: length, its checksum, `data`, its checksum, all little-endian.
pub(crate) fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc32c(&length).to_le_bytes(), data, &masked_crc32c(data).to_le_bytes()]
        .concat()
}

/// CRC-32C, masked so that it stays a good checksum of data that contain checksums.
fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}
