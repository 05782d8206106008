# policysync's image: one static program, the authorities that it trusts, the
# licences of all that it is made of, and a folder for its state. `docker build .` compiles the program; a release copies
# the one that it has made already, by BINARY=prebuilt.
ARG BINARY=compiled

FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS toolchain
RUN install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ca-certificates.crt && mkdir -p /rootfs/var/lib /state

FROM toolchain AS compiled
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=auto -ldflags='-s -w' -o /policysync ./cmd/policysync
RUN mkdir /papers && cp LICENSE /papers && go run -C tools/supply ./licences -in ../.. -texts ./cmd/policysync >/papers/third-party-licences.txt

FROM scratch AS prebuilt
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/policysync /policysync
COPY LICENSE bin/share/third-party-licences.txt /papers/

FROM ${BINARY} AS binary

FROM scratch
COPY --from=toolchain /rootfs /
COPY --from=toolchain --chown=65532:65532 /state /var/lib/policysync
COPY --from=binary /policysync /usr/bin/policysync
COPY --from=binary /papers /usr/share/doc/policysync
USER 65532:65532
ENV PATH=/usr/bin STATE_DIRECTORY=/var/lib/policysync
VOLUME /var/lib/policysync
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["policysync", "health"]
ENTRYPOINT ["policysync"]
CMD ["run"]
