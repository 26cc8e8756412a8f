module marquee/metrics-server

go 1.24.4

godebug default=go1.24

require (
	k8s.io/api v0.34.4
	k8s.io/apimachinery v0.34.4
	k8s.io/apiserver v0.34.4
	k8s.io/client-go v0.34.4
	k8s.io/component-base v0.34.4
	k8s.io/kubelet v0.34.4
	k8s.io/metrics v0.34.4
	sigs.k8s.io/metrics-server v0.8.0
)
