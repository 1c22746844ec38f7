# syminit baked into a vLLM image:
#
#   docker build -t vllm-syminit .
#   docker build -t vllm-syminit --build-arg BASE=your/image:tag .
#
# Only the binary, for `COPY --from=syminit /syminit /usr/local/bin/` in a
# Dockerfile of your own:
#
#   docker build -t syminit --target binary .
#
# With BuildKit, --platform cross-compiles. The classic builder sets neither
# BUILDPLATFORM nor TARGET…: everything is then the machine's own kind.
ARG GO_IMAGE=golang:1.26
ARG BASE=vllm/vllm-openai:latest

FROM --platform=${BUILDPLATFORM:-linux} ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -tags syminit_entry -trimpath -buildvcs=false \
      -ldflags "-s -w -buildid= -E syminit_entry -checklinkname=0 -X main.version=$VERSION" \
      -o /out/syminit ./cmd/syminit

FROM scratch AS binary
COPY --from=build /out/syminit /syminit
ENTRYPOINT ["/syminit"]

FROM ${BASE} AS vllm
COPY --from=binary /syminit /usr/local/bin/syminit
# Ready as soon as vLLM answers; it may take its time to load a model.
HEALTHCHECK --start-period=15m --interval=10s CMD ["/usr/local/bin/syminit", "health"]
ENTRYPOINT ["/usr/local/bin/syminit", "--", "vllm", "serve"]
