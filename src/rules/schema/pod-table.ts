/**
 * The fields of a pod template, made by scripts/pod-table.ts: a line an object, its name and its fields. `!`: required;
 * s, b, i, l: string, boolean, integer of 32 and 64 bits; x: integer or string; q: quantity; [T]: list, (key): a map by
 * it, *: a set; {T}: map; =: default.
 */
export const POD_TABLE = `
Metadata annotations:{s} labels:{s}
MatchExpression key!:s operator!:s values:[s]
Preference matchExpressions:[MatchExpression] matchFields:[MatchExpression]
PreferredDuringSchedulingIgnoredDuringExecution preference!:Preference weight!:i
RequiredDuringSchedulingIgnoredDuringExecution nodeSelectorTerms!:[Preference]
NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:[PreferredDuringSchedulingIgnoredDuringExecution] requiredDuringSchedulingIgnoredDuringExecution:RequiredDuringSchedulingIgnoredDuringExecution
LabelSelector matchExpressions:[MatchExpression] matchLabels:{s}
PodAffinityTerm labelSelector:LabelSelector matchLabelKeys:[s] mismatchLabelKeys:[s] namespaceSelector:LabelSelector namespaces:[s] topologyKey!:s
PreferredDuringSchedulingIgnoredDuringExecution2 podAffinityTerm!:PodAffinityTerm weight!:i
PodAffinity preferredDuringSchedulingIgnoredDuringExecution:[PreferredDuringSchedulingIgnoredDuringExecution2] requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
Affinity nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAffinity
ConfigMapKeyRef key!:s name:s="" optional:b
FieldRef apiVersion:s fieldPath!:s
FileKeyRef key!:s optional:b=false path!:s volumeName!:s
ResourceFieldRef containerName:s divisor:q resource!:s
ValueFrom configMapKeyRef:ConfigMapKeyRef fieldRef:FieldRef fileKeyRef:FileKeyRef resourceFieldRef:ResourceFieldRef secretKeyRef:ConfigMapKeyRef
Env name!:s value:s valueFrom:ValueFrom
ConfigMapRef name:s="" optional:b
EnvFrom configMapRef:ConfigMapRef prefix:s secretRef:ConfigMapRef
Exec command:[s]
HttpHeader name!:s value!:s
HttpGet host:s httpHeaders:[HttpHeader] path:s port!:x scheme:s
Sleep seconds!:l
TcpSocket host:s port!:x
PostStart exec:Exec httpGet:HttpGet sleep:Sleep tcpSocket:TcpSocket
Lifecycle postStart:PostStart preStop:PostStart stopSignal:s
Grpc port!:i service:s=""
LivenessProbe exec:Exec failureThreshold:i grpc:Grpc httpGet:HttpGet initialDelaySeconds:i periodSeconds:i successThreshold:i tcpSocket:TcpSocket terminationGracePeriodSeconds:l timeoutSeconds:i
Port containerPort!:i hostIP:s hostPort:i name:s protocol:s="TCP"
ResizePolicy resourceName!:s restartPolicy!:s
Claim name!:s request:s
Resources claims:[Claim](name) limits:{q} requests:{q}
ExitCodes operator!:s values:[i]*
RestartPolicyRule action!:s exitCodes:ExitCodes
AppArmorProfile localhostProfile:s type!:s
Capabilities add:[s] drop:[s]
SeLinuxOptions level:s role:s type:s user:s
WindowsOptions gmsaCredentialSpec:s gmsaCredentialSpecName:s hostProcess:b runAsUserName:s
SecurityContext allowPrivilegeEscalation:b appArmorProfile:AppArmorProfile capabilities:Capabilities privileged:b procMount:s readOnlyRootFilesystem:b runAsGroup:l runAsNonRoot:b runAsUser:l seLinuxOptions:SeLinuxOptions seccompProfile:AppArmorProfile windowsOptions:WindowsOptions
VolumeDevice devicePath!:s name!:s
VolumeMount mountPath!:s mountPropagation:s name!:s readOnly:b recursiveReadOnly:s subPath:s subPathExpr:s
Container args:[s] command:[s] env:[Env](name) envFrom:[EnvFrom] image:s imagePullPolicy:s lifecycle:Lifecycle livenessProbe:LivenessProbe name!:s ports:[Port](containerPort,protocol) readinessProbe:LivenessProbe resizePolicy:[ResizePolicy] resources:Resources restartPolicy:s restartPolicyRules:[RestartPolicyRule] securityContext:SecurityContext startupProbe:LivenessProbe stdin:b stdinOnce:b terminationMessagePath:s terminationMessagePolicy:s tty:b volumeDevices:[VolumeDevice](devicePath) volumeMounts:[VolumeMount](mountPath) workingDir:s
Option name:s value:s
DnsConfig nameservers:[s] options:[Option] searches:[s]
EphemeralContainer args:[s] command:[s] env:[Env](name) envFrom:[EnvFrom] image:s imagePullPolicy:s lifecycle:Lifecycle livenessProbe:LivenessProbe name!:s ports:[Port](containerPort,protocol) readinessProbe:LivenessProbe resizePolicy:[ResizePolicy] resources:Resources restartPolicy:s restartPolicyRules:[RestartPolicyRule] securityContext:SecurityContext startupProbe:LivenessProbe stdin:b stdinOnce:b targetContainerName:s terminationMessagePath:s terminationMessagePolicy:s tty:b volumeDevices:[VolumeDevice](devicePath) volumeMounts:[VolumeMount](mountPath) workingDir:s
HostAliase hostnames:[s] ip!:s
ImagePullSecret name:s=""
Os name!:s
ReadinessGate conditionType!:s
ResourceClaim name!:s resourceClaimName:s resourceClaimTemplateName:s
SecurityContext2 appArmorProfile:AppArmorProfile fsGroup:l fsGroupChangePolicy:s runAsGroup:l runAsNonRoot:b runAsUser:l seLinuxChangePolicy:s seLinuxOptions:SeLinuxOptions seccompProfile:AppArmorProfile supplementalGroups:[l] supplementalGroupsPolicy:s sysctls:[HttpHeader] windowsOptions:WindowsOptions
Toleration effect:s key:s operator:s tolerationSeconds:l value:s
TopologySpreadConstraint labelSelector:LabelSelector matchLabelKeys:[s] maxSkew!:i minDomains:i nodeAffinityPolicy:s nodeTaintsPolicy:s topologyKey!:s whenUnsatisfiable!:s
AwsElasticBlockStore fsType:s partition:i readOnly:b volumeID!:s
AzureDisk cachingMode:s diskName!:s diskURI!:s fsType:s="ext4" kind:s readOnly:b=false
AzureFile readOnly:b secretName!:s shareName!:s
Cephfs monitors!:[s] path:s readOnly:b secretFile:s secretRef:ImagePullSecret user:s
Cinder fsType:s readOnly:b secretRef:ImagePullSecret volumeID!:s
Item key!:s mode:i path!:s
ConfigMap defaultMode:i items:[Item] name:s="" optional:b
Csi driver!:s fsType:s nodePublishSecretRef:ImagePullSecret readOnly:b volumeAttributes:{s}
Item2 fieldRef:FieldRef mode:i path!:s resourceFieldRef:ResourceFieldRef
DownwardAPI defaultMode:i items:[Item2]
EmptyDir medium:s sizeLimit:q
Metadata2
DataSource apiGroup:s kind!:s name!:s
DataSourceRef apiGroup:s kind!:s name!:s namespace:s
Resources2 limits:{q} requests:{q}
Spec accessModes:[s] dataSource:DataSource dataSourceRef:DataSourceRef resources:Resources2 selector:LabelSelector storageClassName:s volumeAttributesClassName:s volumeMode:s volumeName:s
VolumeClaimTemplate metadata:Metadata2 spec!:Spec
Ephemeral volumeClaimTemplate:VolumeClaimTemplate
Fc fsType:s lun:i readOnly:b targetWWNs:[s] wwids:[s]
FlexVolume driver!:s fsType:s options:{s} readOnly:b secretRef:ImagePullSecret
Flocker datasetName:s datasetUUID:s
GcePersistentDisk fsType:s partition:i pdName!:s readOnly:b
GitRepo directory:s repository!:s revision:s
Glusterfs endpoints!:s path!:s readOnly:b
HostPath path!:s type:s
Image pullPolicy:s reference:s
Iscsi chapAuthDiscovery:b chapAuthSession:b fsType:s initiatorName:s iqn!:s iscsiInterface:s="default" lun!:i portals:[s] readOnly:b secretRef:ImagePullSecret targetPortal!:s
Nfs path!:s readOnly:b server!:s
PersistentVolumeClaim claimName!:s readOnly:b
PhotonPersistentDisk fsType:s pdID!:s
PortworxVolume fsType:s readOnly:b volumeID!:s
ClusterTrustBundle labelSelector:LabelSelector name:s optional:b path!:s signerName:s
ConfigMap2 items:[Item] name:s="" optional:b
DownwardAPI2 items:[Item2]
PodCertificate certificateChainPath:s credentialBundlePath:s keyPath:s keyType!:s maxExpirationSeconds:i signerName!:s
ServiceAccountToken audience:s expirationSeconds:l path!:s
Source clusterTrustBundle:ClusterTrustBundle configMap:ConfigMap2 downwardAPI:DownwardAPI2 podCertificate:PodCertificate secret:ConfigMap2 serviceAccountToken:ServiceAccountToken
Projected defaultMode:i sources:[Source]
Quobyte group:s readOnly:b registry!:s tenant:s user:s volume!:s
Rbd fsType:s image!:s keyring:s="/etc/ceph/keyring" monitors!:[s] pool:s="rbd" readOnly:b secretRef:ImagePullSecret user:s="admin"
ScaleIO fsType:s="xfs" gateway!:s protectionDomain:s readOnly:b secretRef!:ImagePullSecret sslEnabled:b storageMode:s="ThinProvisioned" storagePool:s system!:s volumeName:s
Secret defaultMode:i items:[Item] optional:b secretName:s
Storageos fsType:s readOnly:b secretRef:ImagePullSecret volumeName:s volumeNamespace:s
VsphereVolume fsType:s storagePolicyID:s storagePolicyName:s volumePath!:s
Volume awsElasticBlockStore:AwsElasticBlockStore azureDisk:AzureDisk azureFile:AzureFile cephfs:Cephfs cinder:Cinder configMap:ConfigMap csi:Csi downwardAPI:DownwardAPI emptyDir:EmptyDir ephemeral:Ephemeral fc:Fc flexVolume:FlexVolume flocker:Flocker gcePersistentDisk:GcePersistentDisk gitRepo:GitRepo glusterfs:Glusterfs hostPath:HostPath image:Image iscsi:Iscsi name!:s nfs:Nfs persistentVolumeClaim:PersistentVolumeClaim photonPersistentDisk:PhotonPersistentDisk portworxVolume:PortworxVolume projected:Projected quobyte:Quobyte rbd:Rbd scaleIO:ScaleIO secret:Secret storageos:Storageos vsphereVolume:VsphereVolume
Spec2 activeDeadlineSeconds:l affinity:Affinity automountServiceAccountToken:b containers!:[Container](name) dnsConfig:DnsConfig dnsPolicy:s enableServiceLinks:b ephemeralContainers:[EphemeralContainer](name) hostAliases:[HostAliase] hostIPC:b hostNetwork:b hostPID:b hostUsers:b hostname:s hostnameOverride:s imagePullSecrets:[ImagePullSecret](name) initContainers:[Container](name) nodeName:s nodeSelector:{s} os:Os overhead:{q} preemptionPolicy:s priority:i priorityClassName:s readinessGates:[ReadinessGate] resourceClaims:[ResourceClaim](name) resources:Resources restartPolicy:s runtimeClassName:s schedulerName:s schedulingGates:[Os](name) securityContext:SecurityContext2 serviceAccount:s serviceAccountName:s setHostnameAsFQDN:b shareProcessNamespace:b subdomain:s terminationGracePeriodSeconds:l tolerations:[Toleration] topologySpreadConstraints:[TopologySpreadConstraint](topologyKey,whenUnsatisfiable) volumes:[Volume](name)
PodTemplate metadata:Metadata spec:Spec2
`;
