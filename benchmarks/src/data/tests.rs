use super::*;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::thread::JoinHandle;

const CONTENT: &[u8] = b"{\"row\": 1}\n{\"row\": 2}\n";

/// An entry of the catalogue's kind with the hashes of `CONTENT`; leaked, as the catalogue is static.
fn entry(source: &'static str, packed: &[u8]) -> &'static DataFile {
    Box::leak(Box::new(DataFile {
        file: "set/test.jsonl.gz",
        repository: "owner/name",
        commit: "abc",
        source,
        sha256_gz: Box::leak(hash(packed).into_boxed_str()),
        sha256_plain: Box::leak(hash(CONTENT).into_boxed_str()),
    }))
}

fn packed() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(CONTENT).unwrap();
    encoder.finish().unwrap()
}

/// Serves one request on the loopback interface; gives its base address and, when joined, the path asked for.
fn serve_once(status: &'static str, body: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let handle = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let request = lines.next().unwrap().unwrap();
        while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .unwrap();
        // A client that has seen enough may close early.
        let _ = stream.write_all(&body);
        request.split(' ').nth(1).unwrap().to_owned()
    });
    (address, handle)
}

fn folder_with_cache(source: String) -> (tempfile::TempDir, DataFolder) {
    let cache = tempfile::tempdir().unwrap();
    let location = DataLocation { folder: None, cache: Some(cache.path().into()), source: Some(source) };
    (cache, DataFolder::new(location))
}

#[test]
fn a_download_is_checked_and_kept() {
    let (address, server) = serve_once("200 OK", packed());
    let (cache, data) = folder_with_cache(address);
    let entry = entry("Set.jsonl.gz", &packed());
    assert_eq!(data.bytes(entry).unwrap(), CONTENT);
    assert_eq!(server.join().unwrap(), "/owner/name/abc/Set.jsonl.gz");
    // The server is gone: the second read comes from the cache.
    assert_eq!(data.bytes(entry).unwrap(), CONTENT);
    let kept: Vec<_> =
        fs::read_dir(cache.path().join("set")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(kept, ["test.jsonl.gz"]);
}

#[test]
fn a_damaged_file_of_the_cache_is_fetched_anew() {
    for damage in [&b"other content"[..], &packed()[..12]] {
        let (address, server) = serve_once("200 OK", packed());
        let (cache, data) = folder_with_cache(address);
        fs::create_dir(cache.path().join("set")).unwrap();
        fs::write(cache.path().join("set/test.jsonl.gz"), damage).unwrap();
        let entry = entry("Set.jsonl.gz", &packed());
        assert_eq!(data.bytes(entry).unwrap(), CONTENT);
        server.join().unwrap();
        assert_eq!(data.bytes(entry).unwrap(), CONTENT, "the server is gone: the good file was kept");
    }
}

#[test]
fn a_plain_source_is_checked_by_its_plain_hash() {
    let (address, server) = serve_once("200 OK", CONTENT.to_vec());
    let (_cache, data) = folder_with_cache(address);
    assert_eq!(data.bytes(entry("data/test.jsonl", b"other bytes")).unwrap(), CONTENT);
    assert_eq!(server.join().unwrap(), "/owner/name/abc/data/test.jsonl");
}

#[test]
fn wrong_bytes_are_refused_and_not_kept() {
    for body in [b"not the file".to_vec(), packed()[..20].to_vec(), Vec::new()] {
        let (address, server) = serve_once("200 OK", body);
        let (cache, data) = folder_with_cache(address);
        let error = data.bytes(entry("Set.jsonl.gz", &packed())).unwrap_err();
        server.join().unwrap();
        assert!(matches!(error, BenchmarkError::WrongHash { .. }), "{error}");
        assert!(!cache.path().join("set").exists());
    }
}

#[test]
fn a_refused_download_says_what_and_where() {
    let (address, server) = serve_once("404 Not Found", Vec::new());
    let (_cache, data) = folder_with_cache(address);
    let text = data.bytes(entry("Set.jsonl.gz", &packed())).unwrap_err().to_string();
    server.join().unwrap();
    assert!(text.contains("set/test.jsonl.gz") && text.contains("404") && text.contains("--data"), "{text}");
}

#[test]
fn a_folder_gives_packed_or_plain_files_and_refuses_changed_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("set")).unwrap();
    let data = DataFolder::at(folder.path());
    let entry = entry("Set.jsonl.gz", &packed());
    assert!(data.bytes(entry).unwrap_err().to_string().contains("it is not in"));
    fs::write(folder.path().join("set/test.jsonl"), CONTENT).unwrap();
    assert_eq!(data.bytes(entry).unwrap(), CONTENT);
    fs::write(folder.path().join("set/test.jsonl.gz"), packed()).unwrap();
    assert_eq!(data.bytes(entry).unwrap(), CONTENT);
    fs::write(folder.path().join("set/test.jsonl.gz"), &packed()[..12]).unwrap();
    assert!(matches!(data.bytes(entry), Err(BenchmarkError::Io { .. })));
    fs::write(folder.path().join("set/test.jsonl.gz"), b"{}").unwrap();
    let error = data.bytes(entry).unwrap_err();
    assert!(matches!(error, BenchmarkError::WrongHash { .. }));
    let text = error.to_string();
    for part in [format!("sha256 {} was expected", hash(CONTENT)), format!("{} was found", hash(b"{}"))] {
        assert!(text.contains(&part), "{text}");
    }
    assert_eq!(fs::read(folder.path().join("set/test.jsonl.gz")).unwrap(), b"{}", "it is left as it is");
}

#[test]
fn sizes_are_bounded_before_and_after_unpacking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.gz");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    assert!(matches!(read_plain(&path, 1 << 16), Err(BenchmarkError::TooLarge { .. })));
    assert!(matches!(read_bounded(&path, 100), Err(BenchmarkError::TooLarge { .. })));
    assert_eq!(read_plain(&path, 1 << 20).unwrap().len(), 1 << 20);
}

#[test]
fn the_published_files_have_the_hashes_of_the_catalogue() {
    let Some(data) = crate::test_data::shared() else { return };
    for entry in CATALOGUE {
        let path = data.local(entry.file).unwrap();
        assert_eq!(hash(&fs::read(&path).unwrap()), entry.sha256_gz, "{}", entry.file);
        assert!(!data.text(entry.file).unwrap().is_empty());
    }
}
