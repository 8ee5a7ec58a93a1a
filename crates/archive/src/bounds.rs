//! How much of an archive may be read, and how much was.

/// Limits on what an archive may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TarBounds {
    /// Largest number of entries of any kind.
    pub max_entries: u64,
    /// Largest size of one file, in bytes.
    pub max_file_bytes: u64,
    /// Largest size of all files together, in bytes.
    pub max_total_bytes: u64,
}

/// How much of its bounds an archive has used. Needed to resume at the boundary of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TarUsed {
    /// Entries read.
    pub entries: u64,
    /// Bytes of all files so far.
    pub bytes: u64,
}
