"""Files by URI (hdfs, file), through Hadoop's client in Spark's JVM."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

BYTES_AT_ONCE = 4 << 20


class HadoopFiles:
    """File operations to publish a directory completely or not at all."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark.sparkContext._jvm
        self._configuration: Any = spark.sparkContext._jsc.hadoopConfiguration()

    def _open(self, uri: str) -> tuple[Any, Any]:
        path = self._jvm.org.apache.hadoop.fs.Path(uri)
        return path.getFileSystem(self._configuration), path

    def exists(self, uri: str) -> bool:
        """Return whether there is a file or a directory."""
        system, path = self._open(uri)
        return bool(system.exists(path))

    def remove(self, uri: str) -> None:
        """Remove a file, or a directory with its content; do nothing if there is none."""
        system, path = self._open(uri)
        if not system.delete(path, True) and system.exists(path):
            raise OSError(f"{uri} could not be removed. Check who owns it.")

    def rename(self, source: str, target: str) -> None:
        """Rename within one file system, and create the target's parent.

        Raises OSError when the file system refuses.
        """
        system, source_path = self._open(source)
        _, target_path = self._open(target)
        system.mkdirs(target_path.getParent())
        if not system.rename(source_path, target_path):
            raise OSError(
                f"{source} could not be renamed to {target}. Check that the source exists and the target does not."
            )

    def names(self, uri: str) -> list[str]:
        """Return the names in a directory, sorted."""
        system, path = self._open(uri)
        return sorted(status.getPath().getName() for status in system.listStatus(path))

    def write_bytes(self, uri: str, content: memoryview) -> None:
        """Write a file, and create its parent."""
        system, path = self._open(uri)
        stream = system.create(path, True)
        try:
            # Python's and Spark's process exchange it as text.
            for start in range(0, len(content), BYTES_AT_ONCE):
                stream.write(bytearray(content[start : start + BYTES_AT_ONCE]))
        finally:
            stream.close()

    def write_text(self, uri: str, text: str) -> None:
        """Write a UTF-8 file under a temporary name and rename it.

        A reader finds the complete file or none.
        """
        temporary = uri + ".part"
        self.write_bytes(temporary, memoryview(text.encode("utf-8")))
        self.remove(uri)
        self.rename(temporary, uri)
