#include "api/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "api/convert.hpp"
#include "host.hpp"
#include "sandbox.hpp"

namespace mql {

namespace {

struct open_file {
  std::FILE *stream = nullptr;
  std::string name;
  int flags = 0;
  char delimiter = '\t';
  uint codepage = 0;
  bool line_end = false;
};

std::vector<open_file> &handles() {
  static auto *all = new std::vector<open_file>;
  return *all;
}

open_file *at(int handle) {
  if (handle < 1 || handle > static_cast<int>(handles().size()) || handles()[static_cast<std::size_t>(handle - 1)].stream == nullptr) {
    fail(ERR_WRONG_FILEHANDLE);
    return nullptr;
  }
  return &handles()[static_cast<std::size_t>(handle - 1)];
}

bool is_text(const open_file &f) { return (f.flags & (FILE_TXT | FILE_CSV)) != 0; }
bool is_ansi(const open_file &f) { return (f.flags & FILE_ANSI) != 0; }

std::string encoded(const open_file &f, const string &text) {
  if (is_ansi(f)) return encode(text, f.codepage);
  std::string out;
  for (const char16_t unit : text.units()) {
    out += static_cast<char>(unit & 0xFF);
    out += static_cast<char>(unit >> 8);
  }
  return out;
}

string decoded(const open_file &f, const std::string &bytes) {
  if (is_ansi(f)) return decode(bytes, f.codepage);
  std::u16string out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    out += static_cast<char16_t>(static_cast<unsigned char>(bytes[i]) | static_cast<unsigned char>(bytes[i + 1]) << 8);
  return string(out);
}

int unit_of(open_file &f) {
  const int low = std::fgetc(f.stream);
  if (low == -1 || is_ansi(f)) return low;
  const int high = std::fgetc(f.stream);
  return high == -1 ? -1 : low | high << 8;
}

// Windows' sharing, as far as one lock can say it: a writer that does not share writing is alone.
bool lock(int fd, int flags) {
  const bool alone = (flags & FILE_WRITE) != 0 ? (flags & FILE_SHARE_WRITE) == 0 : (flags & (FILE_SHARE_READ | FILE_SHARE_WRITE)) == 0;
  return flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
}

}  // namespace

int FileOpen(const string &name, int flags, short delimiter, uint codepage) {
  const bool reads = (flags & FILE_READ) != 0, writes = (flags & FILE_WRITE) != 0;
  if (!reads && !writes) die("FileOpen(\"" + name.utf8() + "\") with neither FILE_READ nor FILE_WRITE");
  if ((flags & (FILE_BIN | FILE_TXT | FILE_CSV)) == 0) flags |= FILE_CSV;
  std::string path;
  if (!sandboxed(name, flags, path)) return fail(ERR_WRONG_FILENAME);
  if (is_directory(path)) return fail(ERR_FILE_IS_DIRECTORY);
  if (!writes && access(path.c_str(), F_OK) != 0) return fail(ERR_FILE_NOT_EXIST);
  if (writes) make_parents(path);
  const int fd = open(path.c_str(), (reads && writes ? O_RDWR : writes ? O_RDWR : O_RDONLY) | (writes ? O_CREAT : 0) | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ERR_CANNOT_OPEN_FILE);
  if (!lock(fd, flags)) { close(fd); return fail(ERR_CANNOT_OPEN_FILE); }
  if (writes && !reads && ftruncate(fd, 0) != 0) { close(fd); return fail(ERR_CANNOT_OPEN_FILE); }
  open_file f;
  f.stream = fdopen(fd, writes ? "r+b" : "rb");
  f.name = path;
  f.flags = flags;
  f.delimiter = static_cast<char>(delimiter);
  f.codepage = codepage;
  if (is_text(f) && !is_ansi(f)) {
    const bool empty = lseek(fd, 0, SEEK_END) == 0;
    std::rewind(f.stream);
    if (empty && writes) std::fwrite("\xFF\xFE", 1, 2, f.stream);
    else if (!empty) std::fseek(f.stream, 2, SEEK_SET);
    std::fseek(f.stream, 0, SEEK_CUR);
  }
  for (std::size_t i = 0; i < handles().size(); ++i)
    if (handles()[i].stream == nullptr) { handles()[i] = f; return static_cast<int>(i) + 1; }
  if (handles().size() >= 64) { std::fclose(f.stream); return fail(ERR_TOO_MANY_FILES); }
  handles().push_back(f);
  return static_cast<int>(handles().size());
}

void FileClose(int handle) {
  open_file *f = at(handle);
  if (f == nullptr) die("FileClose of the invalid handle " + std::to_string(handle));
  std::fclose(f->stream);
  f->stream = nullptr;
}

void FileFlush(int handle) {
  open_file *f = at(handle);
  if (f == nullptr) die("FileFlush of the invalid handle " + std::to_string(handle));
  host().passing("before_flush", f->name);
  std::fflush(f->stream);
  fsync(fileno(f->stream));
  host().passing("after_flush", f->name);
}

bool FileSeek(int handle, long offset, ENUM_FILE_POSITION origin) {
  open_file *f = at(handle);
  return f != nullptr && std::fseek(f->stream, offset, origin == SEEK_SET ? 0 : origin == SEEK_CUR ? 1 : 2) == 0;
}

ulong FileTell(int handle) {
  open_file *f = at(handle);
  return f == nullptr ? 0 : static_cast<ulong>(std::ftell(f->stream));
}

ulong FileSize(int handle) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  const long here = std::ftell(f->stream);
  std::fseek(f->stream, 0, 2);
  const long size = std::ftell(f->stream);
  std::fseek(f->stream, here, 0);
  return static_cast<ulong>(size);
}

bool FileIsEnding(int handle) {
  open_file *f = at(handle);
  return f == nullptr || FileTell(handle) >= FileSize(handle);
}

bool FileIsLineEnding(int handle) {
  open_file *f = at(handle);
  return f == nullptr || f->line_end;
}

string FileReadString(int handle, int length) {
  open_file *f = at(handle);
  if (f == nullptr) return string();
  if ((f->flags & FILE_READ) == 0) { fail(ERR_FILE_NOTTOREAD); return string(); }
  std::string bytes;
  if (!is_text(*f)) {
    if (length < 0) die("FileReadString of a binary file needs a length");
    for (int i = 0, unit = 0; i < length && (unit = unit_of(*f)) != -1; ++i) {
      bytes += static_cast<char>(unit & 0xFF);
      if (!is_ansi(*f)) bytes += static_cast<char>(unit >> 8);
    }
    return decoded(*f, bytes);
  }
  f->line_end = false;
  for (int unit = 0; (unit = unit_of(*f)) != -1;) {
    if (unit == '\n') { f->line_end = true; break; }
    if (unit == '\r') continue;
    if ((f->flags & FILE_CSV) != 0 && unit == f->delimiter) break;
    bytes += static_cast<char>(unit & 0xFF);
    if (!is_ansi(*f)) bytes += static_cast<char>(unit >> 8);
  }
  return decoded(*f, bytes);
}

std::size_t write_bytes(int handle, const void *from, std::size_t size) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if ((f->flags & FILE_WRITE) == 0) { fail(ERR_FILE_NOTTOWRITE); return 0; }
  std::fseek(f->stream, 0, SEEK_CUR);
  return std::fwrite(from, 1, size, f->stream);
}

std::size_t read_bytes(int handle, void *to, std::size_t size) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if ((f->flags & FILE_READ) == 0) { fail(ERR_FILE_NOTTOREAD); return 0; }
  if (is_text(*f)) die("a binary read of a text file");
  std::fseek(f->stream, 0, SEEK_CUR);
  return std::fread(to, 1, size, f->stream);
}

uint FileWriteString(int handle, const string &text, int length) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  string out = length >= 0 ? StringSubstr(text, 0, length) : text;
  if (is_text(*f)) { StringReplace(out, lit(u"\r\n"), lit(u"\n")); StringReplace(out, lit(u"\n"), lit(u"\r\n")); }
  const std::string bytes = encoded(*f, out);
  return static_cast<uint>(write_bytes(handle, bytes.data(), bytes.size()));
}

uint write_fields(int handle, const format_arg *args, int count) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if (!is_text(*f)) { fail(ERR_FILE_NOTTXTORCSV); return 0; }
  const string between = (f->flags & FILE_CSV) != 0 ? CharToString(static_cast<uchar>(f->delimiter)) : lit(u"");
  return FileWriteString(handle, join(args, count, between) + lit(u"\n"));
}

long FileReadLong(int handle) { long v = 0; read_bytes(handle, &v, sizeof v); return v; }
double FileReadDouble(int handle) { double v = 0; read_bytes(handle, &v, sizeof v); return v; }
int FileReadInteger(int handle, int size) {
  if (size != 4) die("FileReadInteger reads 4 bytes here");
  int v = 0;
  read_bytes(handle, &v, sizeof v);
  return v;
}
uint FileWriteLong(int handle, long value) { return static_cast<uint>(write_bytes(handle, &value, sizeof value)); }
uint FileWriteDouble(int handle, double value) { return static_cast<uint>(write_bytes(handle, &value, sizeof value)); }
uint FileWriteInteger(int handle, int value, int size) {
  if (size != 4) die("FileWriteInteger writes 4 bytes here");
  return static_cast<uint>(write_bytes(handle, &value, sizeof value));
}

bool is_open_file(const std::string &path) {
  for (const open_file &f : handles())
    if (f.stream != nullptr && f.name == path) return true;
  return false;
}

}  // namespace mql
