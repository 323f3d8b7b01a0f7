// A bucket of S3, or of a server that speaks the same. Large files go up in parts, which are taken back when one fails;
// an object is there when its upload is over, not before.
import { createReadStream } from "node:fs";
import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { S3Place } from "../config/config.ts";
import type { Place } from "./targets.ts";

const MIB = 2 ** 20;

export function bucketPlace({ bucket, prefix, ...options }: S3Place): Place {
  const client = new S3Client(settingsOf(options));
  const keyOf = (name: string) => `${prefix}${name}`;
  return {
    async put(path, name, signal) {
      const upload = new Upload({
        client,
        params: { Bucket: bucket, Key: keyOf(name), Body: createReadStream(path) },
        partSize: 16 * MIB,
        queueSize: 2,
      });
      const stop = () => void upload.abort();
      signal.addEventListener("abort", stop, { once: true });
      try {
        await upload.done();
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
    async putText(text, name) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(name), Body: text }));
    },
    async list(begin) {
      const names: string[] = [];
      for (let token: string | undefined, isMore = true; isMore; ) {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: keyOf(begin),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        names.push(...(page.Contents ?? []).map(({ Key = "" }) => Key.slice(prefix.length)));
        token = page.NextContinuationToken;
        isMore = token !== undefined;
      }
      return names;
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: keyOf(name) }));
    },
  };
}

function settingsOf({
  region,
  endpoint,
  pathStyle,
  accessKeyId,
  secretAccessKey,
}: Omit<S3Place, "bucket" | "prefix">): S3ClientConfig {
  return {
    region,
    forcePathStyle: pathStyle,
    maxAttempts: 5,
    // Servers that are not AWS often refuse what newer SDKs add to every upload; the manifest has the file's own hash.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint === null ? {} : { endpoint }),
    ...(accessKeyId === null || secretAccessKey === null
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  };
}
